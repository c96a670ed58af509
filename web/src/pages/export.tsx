import { announceHere } from "../announcement.ts";
import { Form, PasswordField } from "../form.tsx";
import { EXPORT_ACCOUNT } from "../operations.ts";
import { Page } from "../page.tsx";
import { required } from "../rules.ts";
import { UsernameForManagers } from "../username-for-managers.tsx";

export function ExportPage() {
  return (
    <Page title="Export your data">
      <p>Download a file with all the data we store about you.</p>
      <Form
        mutation={EXPORT_ACCOUNT}
        fields={{ password: "" }}
        variables={(fields) => fields}
        onSuccess={({ exportAccount }) => {
          save("account.json", exportAccount);
          announceHere("Your data is saved as account.json.");
        }}
        button="Export"
      >
        <UsernameForManagers />
        <PasswordField name="password" label="Password" rule={required} autoComplete="current-password" />
      </Form>
    </Page>
  );
}

function save(name: string, data: unknown): void {
  const url = URL.createObjectURL(new Blob([JSON.stringify(data, null, 2)], { type: "application/json" }));
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  URL.revokeObjectURL(url);
}
