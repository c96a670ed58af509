// What is measured, seen alike for every server: how it is started, filled and asked.

/** What a server process is given, as variables of its environment. */
export interface Surroundings {
  /** An empty database of its own, or one that it has already prepared. */
  readonly databaseUrl: string;
  readonly smtpPort: number;
  /** Where it listens, on 127.0.0.1. */
  readonly port: number;
  /** Processes that serve requests. */
  readonly workers: number;
}

export interface ServerProgram {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Answers 200 once the server is ready. */
  readonly readyPath: string;
}

/** Whoever is number `n`: every server knows the same people, all with the same password. */
export interface Person {
  readonly number: number;
  readonly username: string;
  readonly email: string;
  readonly password: string;
}

export interface HttpRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** Rows for COPY; the columns in the order of their values. Null is NULL, everything else is text as PostgreSQL reads it. */
export interface LoadedTable {
  /** With schema, and quoted where needed. */
  readonly table: string;
  readonly columns: readonly string[];
  readonly rowOf: (person: Person, passwordHash: string) => readonly (string | null)[];
}

export interface Contender {
  readonly name: string;
  /** Starts the server; with an empty database it makes its tables first, without an account. */
  program(surroundings: Surroundings): ServerProgram;
  /** What active accounts are made of, in the order in which they are to be loaded. */
  readonly tables: readonly LoadedTable[];
  /** Statements that follow the COPY, such as moving a sequence on. */
  readonly afterLoading: readonly string[];
  /** Throws, saying what came instead, unless the answer is that of a success. */
  check(operation: Operation, answer: HttpAnswer): void;
  readonly requests: {
    /** Who is signed in. */
    me(credential: string): HttpRequest;
    login(name: string, password: string): HttpRequest;
    register(person: Person): HttpRequest;
    finalizeRegistration(token: string): HttpRequest;
    requestReset(email: string): HttpRequest;
    finalizeReset(token: string, password: string): HttpRequest;
  };
  /** What `me` needs, out of the answer of a successful login. */
  credentialOf(login: HttpAnswer): string;
}

export type Operation = keyof Contender["requests"] | "refusedLogin";
