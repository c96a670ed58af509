/** All that register, resendRegistration, requestReset and requestEmailChange say under HIDE_ACCOUNT_EXISTENCE. */
export const ONE_ANSWER = "If the request can be met, a mail with the next step is on its way.";
