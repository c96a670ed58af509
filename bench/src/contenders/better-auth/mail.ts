// A typical account email: text and HTML with a link and little else.
export function accountMail(content: {
  name: string;
  subject: string;
  request: string;
  button: string;
  ignore: string;
  link: string;
}): { subject: string; text: string; html: string } {
  const { name, subject, request, button, ignore, link } = content;
  return {
    subject,
    text: `Hello ${name},

${request}:

${link}

The link is good for one hour.

${ignore}
`,
    html: `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${subject}</title>
</head>
<body style="margin:0;padding:24px 12px;background-color:#f3f4f6;">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0">
<tr><td align="center">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:560px;background-color:#ffffff;color:#1f2937;border-radius:8px;">
<tr><td style="padding:32px 28px;font-family:system-ui,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;font-size:16px;line-height:1.5;">
<h1 style="margin:0 0 16px;font-size:22px;line-height:1.3;">${subject}</h1>
<p style="margin:0 0 24px;">Hello ${escaped(name)}, ${request.toLowerCase()}.</p>
<p style="margin:0 0 24px;"><a href="${link}" style="display:inline-block;padding:12px 24px;border-radius:6px;background-color:#1d4ed8;color:#ffffff;font-weight:600;text-decoration:none;">${button}</a></p>
<p style="margin:0 0 8px;font-size:14px;color:#4b5563;">The link is good for one hour. If the button does not work, copy this address into your browser:</p>
<p style="margin:0 0 24px;font-size:14px;word-break:break-all;"><a href="${link}" style="color:#1d4ed8;">${link}</a></p>
<p style="margin:0;font-size:14px;color:#4b5563;">${ignore}</p>
</td></tr>
</table>
</td></tr>
</table>
</body>
</html>
`,
  };
}

const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
