// The frame of every page: its title, and a heading that gets the focus when the user arrives from another page, so that
// screen readers continue from there.
import { useLayoutEffect, useRef, type ReactNode } from "react";

import { serverSettings } from "./server-settings.ts";

let isFirstPage = true;

export function Page({ title, children }: { title: string; children: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null);
  // Before paint, so that a key pressed as soon as the page appears reaches the right element.
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
