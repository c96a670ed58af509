// Roughly the best that this stack can do: Apollo Server on Fastify that verifies a token with jsonwebtoken and runs one prepared
// statement on the account server's tables, without ORM and TypeGraphQL.
import { createSecretKey } from "node:crypto";

import { ApolloServer } from "@apollo/server";
import { ApolloServerPluginLandingPageDisabled } from "@apollo/server/plugin/disabled";
import { fastifyApolloHandler } from "@as-integrations/fastify";
import Fastify from "fastify";
import jwt, { type JwtPayload } from "jsonwebtoken";
import pg from "pg";

import { JWT_SECRET } from "./account-server.ts";

const typeDefs = `
  type Query { me: User }
  type User { id: ID!, username: String!, email: String!, roles: [String!]!, isActive: Boolean!, createdAt: String! }
`;

interface Row {
  id: string;
  username: string;
  email: string;
  roles: string[];
  is_active: boolean;
  created_at: Date;
}

// A key object, because jsonwebtoken would try to parse a string as a public key for each request.
const secret = createSecretKey(Buffer.from(JWT_SECRET));
const pool = new pg.Pool({ connectionString: process.env["DATABASE_URL"], max: 10 });
const apollo = new ApolloServer<{ authorization: string | undefined }>({
  typeDefs,
  resolvers: {
    Query: {
      me: async (
        _parent: unknown,
        _args: unknown,
        { authorization }: { authorization: string | undefined },
      ) => {
        const { sub } = jwt.verify(authorization?.slice("Bearer ".length) ?? "", secret, {
          algorithms: ["HS256"],
        }) as JwtPayload;
        const { rows } = await pool.query<Row>({
          name: "user",
          text: "select id, username, email, roles, is_active, created_at from accounts.users where id = $1",
          values: [sub],
        });
        const [row] = rows;
        return row && { ...row, isActive: row.is_active, createdAt: row.created_at.toISOString() };
      },
    },
  },
  introspection: false,
  csrfPrevention: false,
  plugins: [ApolloServerPluginLandingPageDisabled()],
});
await apollo.start();
const http = Fastify();
http.get("/readyz", () => ({ status: "ok" }));
http.route({
  method: ["GET", "POST"],
  url: "/graphql",
  handler: fastifyApolloHandler(apollo, {
    context: ({ headers: { authorization } }) => Promise.resolve({ authorization }),
  }),
});
await http.listen({ host: "127.0.0.1", port: Number(process.env["PORT"]) });
process.on("SIGTERM", () => process.exit(0));
