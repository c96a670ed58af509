// Forms whose fields are the variables of a mutation: checked while one types, by the server at the end, and told about
// both next to the field.
import { useId, useLayoutEffect, useRef, useState, type ComponentProps, type ReactNode } from "react";
import {
  FormProvider,
  useForm,
  useFormContext,
  type DefaultValues,
  type FieldValues,
  type Path,
} from "react-hook-form";
import { useMutation, type AnyVariables, type TypedDocumentNode } from "urql";
import { Link } from "wouter";

import { explain, type Failure, type NextStep } from "./failure.ts";
import { PasswordStrength } from "./password-strength.tsx";
import type { Rule } from "./rules.ts";

/** Long enough not to find fault with the first letter of what is still being typed. */
const FAULT_DELAY_MS = 500;

interface FormProps<Data, Variables extends AnyVariables, Fields extends FieldValues> {
  readonly mutation: TypedDocumentNode<Data, Variables>;
  readonly fields: DefaultValues<Fields>;
  readonly variables: (fields: Fields) => Variables;
  /** What must not be lost, even if the person has gone to another page before the answer came. */
  readonly keep?: (data: Data) => void;
  /** What leads on; not called for a person who has gone to another page. */
  readonly onSuccess: (data: Data, fields: Fields) => void;
  /** Where a person gets on whose mailed link does not work. */
  readonly afterDeadLink?: readonly NextStep[];
  readonly button: string;
  /** Stands below the button, above what comes and goes. */
  readonly aside?: ReactNode;
  readonly children?: ReactNode;
}

/** What a form shows of its outcome stands last, so that nothing moves under the pointer. */
export function Form<Data, Variables extends AnyVariables, Fields extends FieldValues>({
  mutation,
  fields: defaultValues,
  variables,
  keep,
  onSuccess,
  afterDeadLink,
  button,
  aside,
  children,
}: FormProps<Data, Variables, Fields>) {
  const form = useForm<Fields, unknown, Fields>({
    mode: "onChange",
    delayError: FAULT_DELAY_MS,
    defaultValues,
  });
  const [, execute] = useMutation(mutation);
  const [failure, setFailure] = useState<Failure | null>(null);
  const { isSubmitting } = form.formState;
  const isThere = useRef(false);
  useLayoutEffect(() => {
    isThere.current = true;
    return () => {
      isThere.current = false;
    };
  }, []);

  async function send(fields: Fields): Promise<void> {
    setFailure(null);
    const { data, error } = await execute(variables(fields));
    if (data) keep?.(data);
    if (data && isThere.current) onSuccess(data, fields);
    if (!error) return;
    const explained = explain(error, Object.keys(fields), afterDeadLink);
    for (const [index, { field, message }] of explained.fields.entries()) {
      form.setError(field as Path<Fields>, { message }, { shouldFocus: index === 0 });
    }
    setFailure(explained);
  }

  /** What the server found holds for what was sent, all of it together. */
  function forgetFailure(): void {
    if (!failure) return;
    form.clearErrors(failure.fields.map(({ field }) => field as Path<Fields>));
    setFailure(null);
  }

  return (
    <FormProvider {...form}>
      <form
        noValidate
        onChange={forgetFailure}
        onSubmit={(event) => {
          event.preventDefault();
          if (!isSubmitting) void form.handleSubmit(send)(event);
        }}
      >
        {children}
        <button type="submit" className="primary" aria-disabled={isSubmitting} aria-busy={isSubmitting}>
          {button}
        </button>
        {aside !== undefined && <p className="aside">{aside}</p>}
        <div role="alert" className="failure">
          {failure && <FailureMessage failure={failure} />}
        </div>
      </form>
    </FormProvider>
  );
}

function FailureMessage({ failure: { sentence, nextSteps, fields } }: { failure: Failure }) {
  const email: unknown = useFormContext().getValues("email");
  const isBesideField = fields.some(({ message }) => message === sentence);
  return (
    <>
      {!isBesideField && <p>{sentence}</p>}
      {nextSteps.map(({ text, to }) => (
        <p key={to}>
          {/* the address goes along, so that nobody types it twice */}
          <Link href={to} state={{ email }}>
            {text}
          </Link>
        </p>
      ))}
    </>
  );
}

interface FieldProps extends ComponentProps<"input"> {
  readonly name: string;
  readonly label: string;
  readonly rule: Rule;
  /** Another field whose rule looks at this one. */
  readonly affects?: string;
  /** Stands where the fault will, so that the page keeps its height. */
  readonly hint?: string;
  readonly beside?: ReactNode;
}

export function Field({ name, label, rule, affects, hint = "", beside, ...input }: FieldProps) {
  const id = useId();
  const { register, getFieldState, formState } = useFormContext();
  const fault = getFieldState(name, formState).error?.message;
  const deps = affects !== undefined && getFieldState(affects, formState).isDirty ? [affects] : [];
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <div className="box">
        <input
          id={id}
          aria-invalid={fault !== undefined}
          aria-describedby={`${id}-hint`}
          spellCheck={false}
          autoCapitalize="none"
          {...input}
          {...register(name, { validate: rule, deps })}
        />
        {beside}
      </div>
      <p id={`${id}-hint`} className={fault === undefined ? "hint" : "fault"} aria-live="polite">
        {fault ?? hint}
      </p>
    </div>
  );
}

interface PasswordFieldProps extends Omit<FieldProps, "type" | "beside"> {
  /** Shows how hard a new password is to guess. */
  readonly showsStrength?: boolean;
}

export function PasswordField({ showsStrength = false, ...field }: PasswordFieldProps) {
  const [isShown, setShown] = useState(false);
  const { isSubmitting } = useFormContext().formState;
  if (isShown && isSubmitting) setShown(false); // browsers remember what was sent as plain text
  return (
    <>
      <Field
        {...field}
        type={isShown ? "text" : "password"}
        beside={
          <button type="button" className="show" onClick={() => setShown(!isShown)}>
            {isShown ? "Hide" : "Show"}
            <span className="unseen"> {field.label.toLowerCase()}</span>
          </button>
        }
      />
      {showsStrength && <PasswordStrength name={field.name} />}
    </>
  );
}
