mod login;
mod refresh;
mod resend_verification;
mod signup;
mod verify;
