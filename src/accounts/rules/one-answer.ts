/** All that register, resendRegistration, requestReset and requestEmailChange say under HIDE_ACCOUNT_EXISTENCE. */
export const ONE_ANSWER = "If everything checks out, an email with the next step is on its way.";
