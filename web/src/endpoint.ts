// The server's URL, and the header that asks for the refresh token as a cookie, which scripts cannot read.
export const ENDPOINT = {
  url: "/graphql",
  preferGetMethod: false,
  fetchOptions: { headers: { "session-transport": "cookie" } },
} as const;
