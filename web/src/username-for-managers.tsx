// Tells password managers whose password a form is about. People do not see it, and it is not sent.
import { useQuery } from "urql";

import { ME } from "./operations.ts";

export function UsernameForManagers() {
  const [{ data }] = useQuery({ query: ME });
  return <input type="text" autoComplete="username" value={data?.me?.username ?? ""} readOnly hidden />;
}
