// Where the server is, and that the refresh token is to travel as a cookie, which no script can read.
export const ENDPOINT = {
  url: "/graphql",
  preferGetMethod: false,
  fetchOptions: { headers: { "session-transport": "cookie" } },
} as const;
