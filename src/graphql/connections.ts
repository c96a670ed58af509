// Long lists, as Relay's cursor connections (https://relay.dev/graphql/connections.htm), forwards only.
import { ArgsType, Field, Int, ObjectType, type ClassType } from "type-graphql";

import type { Page, PageArgs } from "../accounts/model/page.ts";
import { AccountEventObject } from "./account-event.object.ts";
import { UserObject } from "./user.object.ts";

@ArgsType()
export class ConnectionArgs {
  @Field(() => Int, { defaultValue: 20, description: "How many at most, 1 to 100." })
  first!: number;

  @Field(() => String, { nullable: true, description: "The `endCursor` of the page before." })
  after?: string | null;

  get page(): PageArgs {
    return { first: this.first, ...(this.after != null && { after: this.after }) };
  }
}

@ObjectType({ description: "Where a page of a list ends." })
class PageInfo {
  @Field(() => Boolean, { description: "Whether there are more after it." })
  hasNextPage!: boolean;

  @Field(() => Boolean, { description: "Whether it was asked for with `after`." })
  hasPreviousPage!: boolean;

  @Field(() => String, { nullable: true, description: "The cursor of its first; null if it is empty." })
  startCursor!: string | null;

  @Field(() => String, {
    nullable: true,
    description: "The cursor of its last, for `after`; null if it is empty.",
  })
  endCursor!: string | null;
}

/** The connection and edge types of a node type. */
function connectionOf<Node extends object>(name: string, nodeType: ClassType<Node>) {
  @ObjectType(`${name}Edge`, { description: "One of a list." })
  class Edge {
    @Field(() => String, { description: "For `after`." })
    cursor!: string;

    @Field(() => nodeType, { description: "What it is." })
    node!: Node;
  }

  @ObjectType(`${name}Connection`, { description: "A page of a list." })
  class Connection {
    @Field(() => [Edge], { description: "In the order of the list." })
    edges!: Edge[];

    @Field(() => PageInfo, { description: "How to go on." })
    pageInfo!: PageInfo;

    static of<Item>(page: Page<Item>, { after }: PageArgs, toNode: (item: Item) => Node): Connection {
      const edges = page.edges.map(({ cursor, node }) => ({ cursor, node: toNode(node) }));
      const pageInfo = {
        hasNextPage: page.hasNextPage,
        hasPreviousPage: after !== undefined,
        startCursor: edges[0]?.cursor ?? null,
        endCursor: edges.at(-1)?.cursor ?? null,
      };
      return Object.assign(new Connection(), { edges, pageInfo });
    }
  }
  return Connection;
}

export const UserConnection = connectionOf("User", UserObject);
export type UserConnection = InstanceType<typeof UserConnection>;

export const AccountEventConnection = connectionOf("AccountEvent", AccountEventObject);
export type AccountEventConnection = InstanceType<typeof AccountEventConnection>;
