// The templates of the mails: complete, escaped where it matters, and no program in what a user chose.
import { describe, expect, test } from "vitest";

import { SAMPLE_MAILS } from "../../src/accounts/account-mails.ts";
import { MailRenderer } from "../../src/mail/renderer.ts";

const renderer = new MailRenderer("templates", {});
const to = { name: "ada", address: "ada@example.com" };
const templates = Object.keys(SAMPLE_MAILS) as (keyof typeof SAMPLE_MAILS)[];
const samplesOf = (template: keyof typeof SAMPLE_MAILS): Record<string, string> => SAMPLE_MAILS[template];
const variables = templates.flatMap((template) =>
  Object.keys(samplesOf(template)).map((variable) => [template, variable] as const),
);

test("the templates are those that have a sample", () => {
  expect([...renderer.names].sort()).toEqual([...templates].sort());
});

describe.each(templates)("the mail %s", (template) => {
  const sample = samplesOf(template);
  const render = (changed: Record<string, string> = {}) =>
    renderer.render({ template, to, variables: { ...sample, ...changed } });

  test("has a subject of one line, html and text, all filled in", () => {
    const { subject, html, text } = render();
    expect(subject).toMatch(/^\S.*\S$/);
    expect(html).toMatch(/^<!doctype html>[\s\S]+<\/html>\s*$/);
    expect(text).toMatch(/^Hello ada,\n\n\S[\s\S]*\S\n$/);
    for (const part of [subject, html, text]) {
      expect(part).not.toMatch(/[{}]{2}|undefined|null|\[object/);
      expect(part).not.toContain("\r");
    }
    expect(text, "no markup in the text").not.toMatch(/<[a-z/!]/i);
  });

  test("goes to whom it is for, as name and address", () => {
    expect(render().to).toEqual(to);
  });

  test("escapes in html and takes text as it is", () => {
    const { html, text, subject } = render({ username: `<b>&"'ada`, appName: `<i>&"'shop` });
    expect(html).toContain("&lt;b&gt;&amp;&quot;&#x27;ada");
    expect(html).toContain("&lt;i&gt;&amp;&quot;&#x27;shop");
    expect(html).not.toMatch(/<b>|<i>/);
    expect(text).toContain(`<b>&"'ada`);
    expect(text).toContain(`<i>&"'shop`);
    expect(subject).not.toContain("&amp;");
  });

  test("evaluates nothing in a value", () => {
    for (const value of ["{{appName}}", "{{{link}}}", "{{> layout}}", "{{constructor}}", "\\{{x"]) {
      const { html, text } = render({ username: value });
      expect(text).toContain(`Hello ${value},`);
      expect(html).toContain(value.replaceAll(">", "&gt;"));
    }
  });
});

test.each(variables)("the mail %s is refused without %s, which names both", (template, variable) => {
  const others = Object.entries(samplesOf(template)).filter(([name]) => name !== variable);
  const render = () => renderer.render({ template, to, variables: Object.fromEntries(others) });
  expect(render).toThrow(`"${template}"`);
  expect(render).toThrow(`"${variable}"`);
});

test.each(variables)(
  "the mail %s shows its %s in html and in text, and of all variables its subject only the appName",
  (template, variable) => {
    const value = `value-of-${variable}`;
    const { subject, html, text } = renderer.render({
      template,
      to,
      variables: { ...samplesOf(template), [variable]: value },
    });
    expect(html).toContain(value);
    expect(text).toContain(value);
    expect(subject.includes(value)).toBe(variable === "appName");
  },
);

test("a template that does not exist is refused by name, with those that do", () => {
  const render = () => renderer.render({ template: "farewell", to, variables: {} });
  expect(render).toThrow(/"farewell".*registration/);
});

test("a configured subject stands in place of the template's, taken as it is", () => {
  const configured = new MailRenderer("templates", { reset: "New {{username}} & <b>" });
  const mail = configured.render({ template: "reset", to, variables: samplesOf("reset") });
  expect(mail.subject).toBe("New {{username}} & <b>");
});
