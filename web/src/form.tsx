// Forms that send a mutation. Fields are checked as the user types, then by the server; both kinds of error appear next
// to the field.
import {
  useEffect,
  useId,
  useLayoutEffect,
  useRef,
  useState,
  type ComponentProps,
  type ReactNode,
} from "react";
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

import { done, type Done } from "./done.ts";
import { explain, type Failure, type NextStep } from "./failure.ts";
import { PasswordStrength } from "./password-strength.tsx";
import type { Rule } from "./rules.ts";

/** Long enough that the first letters someone types are not called wrong. */
const FAULT_DELAY_MS = 500;

interface FormProps<Data, Variables extends AnyVariables, Fields extends FieldValues> {
  readonly mutation: TypedDocumentNode<Data, Variables>;
  readonly fields: DefaultValues<Fields>;
  readonly variables: (fields: Fields) => Variables;
  /** Stores the result. Runs even if the user has left the page before the answer arrives. */
  readonly keep?: (data: Done<Data>) => void;
  /** Moves on to what comes next. Does not run if the user has left the page. */
  readonly onSuccess: (data: Done<Data>, fields: Fields) => void;
  /** Learns of a refusal, which is shown anyway. */
  readonly onFailure?: (failure: Failure) => void;
  /** Where to go if the link from the email no longer works. */
  readonly afterDeadLink?: readonly NextStep[];
  readonly button: string;
  /** Whether it takes something away. */
  readonly isDangerous?: boolean;
  /** Shown below the button, above the error. */
  readonly aside?: ReactNode;
  readonly children?: ReactNode;
}

/** The error comes last in the form, so that it moves nothing the user is about to click. */
export function Form<Data, Variables extends AnyVariables, Fields extends FieldValues>({
  mutation,
  fields: defaultValues,
  variables,
  keep,
  onSuccess,
  onFailure,
  afterDeadLink,
  button,
  isDangerous = false,
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
    const result = await execute(variables(fields));
    const data = done(result);
    if (data) keep?.(data);
    if (data && isThere.current) {
      for (const name of Object.keys(fields))
        if (/password/i.test(name)) form.resetField(name as Path<Fields>);
      onSuccess(data, fields);
    }
    if (!result.error) return;
    const explained = explain(result.error, Object.keys(fields), afterDeadLink);
    for (const [index, { field, message }] of explained.fields.entries()) {
      form.setError(field as Path<Fields>, { message }, { shouldFocus: index === 0 });
    }
    setFailure(explained);
    onFailure?.(explained);
  }

  /** The server judged the fields together, so changing any of them clears all of its errors. */
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
        <button
          type="submit"
          className={isDangerous ? "primary danger" : "primary"}
          aria-disabled={isSubmitting}
          aria-busy={isSubmitting}
        >
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

function FailureMessage({ failure }: { failure: Failure }) {
  const { sentence, nextSteps, fields } = failure;
  const email: unknown = useFormContext().getValues("email");
  const isBesideField = fields.some(({ message }) => message === sentence);
  const shown = useRef<HTMLParagraphElement>(null);
  // A phone's keyboard may cover it.
  useEffect(() => shown.current?.scrollIntoView({ block: "nearest" }), [failure]);
  return (
    <>
      {!isBesideField && <p ref={shown}>{sentence}</p>}
      {nextSteps.map(({ text, to }) => (
        <p key={to}>
          {/* passes the email address on, so that nobody types it twice */}
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
  /** Another field whose rule depends on this one. */
  readonly affects?: string;
  /** An error takes its place, so that the page keeps its height. */
  readonly hint?: string;
  readonly beside?: ReactNode;
  /** Whether spaces at its ends are part of the value; keyboards of phones add one to a suggestion. */
  readonly keepsSpaces?: boolean;
}

export function Field({
  name,
  label,
  rule,
  affects,
  hint = "",
  beside,
  keepsSpaces = false,
  ...input
}: FieldProps) {
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
          {...register(name, { validate: rule, deps, ...(!keepsSpaces && { setValueAs: trimmed }) })}
        />
        {beside}
      </div>
      <p id={`${id}-hint`} className={fault === undefined ? "hint" : "fault"} aria-live="polite">
        {fault ?? hint}
      </p>
    </div>
  );
}

const trimmed = (value: string) => value.trim();

interface PasswordFieldProps extends Omit<FieldProps, "type" | "beside" | "keepsSpaces"> {
  /** Shows how strong a new password is. */
  readonly showsStrength?: boolean;
}

export function PasswordField({ showsStrength = false, ...field }: PasswordFieldProps) {
  const [isShown, setShown] = useState(false);
  const { isSubmitting } = useFormContext().formState;
  if (isShown && isSubmitting) setShown(false); // browsers may save text inputs for autofill
  return (
    <>
      <Field
        {...field}
        keepsSpaces
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
