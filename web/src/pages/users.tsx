import { useDeferredValue, useId, useState } from "react";
import { Link } from "wouter";

import { statusInWords } from "../format.ts";
import { PagedList } from "../paged-list.tsx";
import { USERS } from "../operations.ts";
import { Page } from "../page.tsx";

export function UsersPage() {
  const id = useId();
  const [typed, setTyped] = useState("");
  const search = useDeferredValue(typed.trim());
  return (
    <Page title="Users">
      <div className="field">
        <label htmlFor={id}>Search</label>
        <div className="box">
          <input
            id={id}
            type="search"
            value={typed}
            onChange={({ target }) => setTyped(target.value)}
            aria-describedby={`${id}-hint`}
          />
        </div>
        <p id={`${id}-hint`} className="hint">
          Enter the start of a username or email address.
        </p>
      </div>
      <PagedList
        key={search}
        query={USERS}
        variables={{ search }}
        connection={(data) => data.users}
        row={({ id, username, email, roles, ...user }) => (
          <>
            <Link href={`/users/${id}`}>{username}</Link> {roles.includes("ADMIN") && <em>Administrator</em>}
            <p className="details">
              {email}
              {statusInWords(user) !== "Active" && ` · ${statusInWords(user)}`}
            </p>
          </>
        )}
      />
    </Page>
  );
}
