// The templates of the mails: complete, escaped where it matters, and no program in what a user chose.
import { describe, expect, test } from "vitest";

import { sampleMails } from "../../src/accounts/mails/compose.ts";
import { MailRenderer } from "../../src/mail/renderer.ts";

const renderer = new MailRenderer("templates", {});
const addressed = { senderName: "Account Server", to: { name: "ada", address: "ada@example.com" } };
const samples = new Map(sampleMails(["en"]).map(({ template, variables }) => [template, variables]));
const templates = [...samples.keys()];
const samplesOf = (template: string) => samples.get(template)!;
const { locales } = renderer;
const mails = locales.flatMap((locale) => templates.map((template) => ({ locale, template })));
const variables = mails.flatMap(({ locale, template }) =>
  Object.keys(samplesOf(template)).map((variable) => ({ locale, template, variable })),
);

test.each(locales)("in %s the templates are those that have a sample", (locale) => {
  expect([...renderer.templates(locale)].sort()).toEqual([...templates].sort());
});

describe.each(mails)("the mail $locale/$template", ({ locale, template }) => {
  const sample = samplesOf(template);
  const render = (changed: Record<string, string> = {}) =>
    renderer.render({ template, locale, ...addressed, variables: { ...sample, ...changed } });

  test("has a subject of one line, html and text, all filled in", () => {
    const { subject, html, text } = render();
    expect(subject).toMatch(/^\S.*\S$/);
    expect(html).toMatch(/^<!doctype html>[\s\S]+<\/html>\s*$/);
    expect(text, "the first line greets").toMatch(/^\S.*\S\n\n\S[\s\S]*\S\n$/);
    const greetsByName = /^.*\bada\b/.test(text);
    expect(greetsByName, "by name only where the email address is confirmed").toBe("username" in sample);
    expect(html).toContain(`<html lang="${locale}">`);
    for (const part of [subject, html, text]) {
      expect(part).not.toMatch(/[{}]{2}|undefined|null|\[object/);
      expect(part).not.toContain("\r");
    }
    expect(text, "no markup in the text").not.toMatch(/<[a-z/!]/i);
  });

  test("goes to whom it is for, as name and address", () => {
    expect(render().to).toEqual(addressed.to);
  });

  test("escapes in html and takes text as it is", () => {
    const values = Object.keys(sample).map((name) => [name, `<b>&"'${name}`]);
    const { html, text, subject } = render(Object.fromEntries(values) as Record<string, string>);
    for (const name of Object.keys(sample)) {
      expect(html).toContain(`&lt;b&gt;&amp;&quot;&#x27;${name}`);
      expect(text).toContain(`<b>&"'${name}`);
    }
    expect(html).not.toMatch(/<b>/);
    expect(subject).not.toContain("&amp;");
  });

  test("evaluates nothing in a value", () => {
    for (const value of ["{{appName}}", "{{{link}}}", "{{> layout}}", "{{constructor}}", "\\{{x"]) {
      const { html, text } = render({ appName: value });
      expect(text).toContain(value);
      expect(html).toContain(value.replaceAll(">", "&gt;"));
    }
  });
});

test.each(variables)(
  "the mail $locale/$template is refused without $variable, which names both",
  ({ locale, template, variable }) => {
    const others = Object.entries(samplesOf(template)).filter(([name]) => name !== variable);
    const render = () =>
      renderer.render({ template, locale, ...addressed, variables: Object.fromEntries(others) });
    expect(render).toThrow(`"${locale}/${template}"`);
    expect(render).toThrow(`"${variable}"`);
  },
);

test.each(variables)(
  "the mail $locale/$template shows its $variable in html and in text, and of all variables its subject only the appName",
  ({ locale, template, variable }) => {
    const value = `value-of-${variable}`;
    const { subject, html, text } = renderer.render({
      template,
      locale,
      ...addressed,
      variables: { ...samplesOf(template), [variable]: value },
    });
    expect(html).toContain(value);
    expect(text).toContain(value);
    expect(subject.includes(value)).toBe(variable === "appName");
  },
);

test("a template that does not exist is refused by name", () => {
  const render = () => renderer.render({ template: "farewell", locale: "en", ...addressed, variables: {} });
  expect(render).toThrow('"en/farewell"');
});

test("a user whose language is no longer there is written to in English", () => {
  const mail = renderer.render({
    template: "reset",
    locale: "tlh",
    ...addressed,
    variables: samplesOf("reset"),
  });
  expect(mail.subject).toBe("Reset your password for Account Server");
});

test.each(locales)(
  "a configured subject stands in place of the template's in %s, taken as it is",
  (locale) => {
    const configured = new MailRenderer("templates", { reset: "New {{username}} & <b>" });
    const mail = configured.render({
      template: "reset",
      locale,
      ...addressed,
      variables: samplesOf("reset"),
    });
    expect(mail.subject).toBe("New {{username}} & <b>");
  },
);
