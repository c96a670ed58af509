// What every page has: a title, and the focus on its heading when one comes from another page, so that a screen reader
// reads on from there.
import { useLayoutEffect, useRef, type ReactNode } from "react";

import { serverSettings } from "./server-settings.ts";

let isFirstPage = true;

export function Page({ title, children }: { title: string; children: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null);
  // Before the page is painted, so that a key pressed as soon as it is seen goes the right way.
  useLayoutEffect(() => {
    if (!isFirstPage) heading.current?.focus();
    isFirstPage = false;
  }, []);
  const { appName } = serverSettings;
  return (
    <section className="page">
      <title>{title === appName ? appName : `${title} · ${appName}`}</title>
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      {children}
    </section>
  );
}
