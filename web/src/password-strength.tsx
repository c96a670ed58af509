// A password strength meter (zxcvbn). Its dictionaries are large, so they load when the user starts typing.
import type { Score, ZxcvbnFactory } from "@zxcvbn-ts/core";
import { useEffect, useState } from "react";
import { useWatch } from "react-hook-form";

const WORDS: Readonly<Record<Score, string>> = {
  0: "very weak",
  1: "weak",
  2: "fair",
  3: "good",
  4: "strong",
};
/** As zxcvbn recommends: checking more characters only takes time. */
const CHECKED_LENGTH = 100;

let loading: Promise<ZxcvbnFactory> | undefined;

async function load(): Promise<ZxcvbnFactory> {
  const [{ ZxcvbnFactory }, { dictionary, adjacencyGraphs }] = await Promise.all([
    import("@zxcvbn-ts/core"),
    import("@zxcvbn-ts/language-common"),
  ]);
  return new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs });
}

/** For the field `name` of a form. The form's username and email count as easy to guess. */
export function PasswordStrength({ name }: { name: string }) {
  const [password = "", ...known] = useWatch<Partial<Record<string, string>>>({
    name: [name, "username", "email"],
  });
  const [zxcvbn, setZxcvbn] = useState<ZxcvbnFactory | null>(null);
  const isNeeded = password !== "" && !zxcvbn;

  useEffect(() => {
    if (!isNeeded) return;
    loading ??= load();
    loading.then(
      (loaded) => setZxcvbn(() => loaded),
      () => (loading = undefined), // no meter until the next try; the server checks passwords anyway
    );
  }, [isNeeded]);

  let score: Score | null = null;
  if (zxcvbn && password !== "") {
    const guesses = known.filter((value) => value !== undefined);
    score = zxcvbn.check(password.slice(0, CHECKED_LENGTH), guesses).score;
  }
  return (
    <div className="strength" data-score={score}>
      <div className="bar" aria-hidden="true" />
      <p role="status">{score === null ? "" : `Strength: ${WORDS[score]}`}</p>
    </div>
  );
}
