# mail: letters people get (R2–R6, R9); subjects are those of the usage procedure
mail-sender = Medical Institution Online Connection Service
mail-foot = Medical Institution Online Connection Service
    This letter was sent by a program. Please do not answer it.
    Questions: { $help }
mail-application-link-subject = [Medical Institution Online Connection Service] Address for your application
mail-application-link-body = We have your provisional application.
    Please go on with the full application here:

    { $link }

    The address works once, until { $expires }.
    If you did not ask for it, throw this letter away.
mail-application-received-subject = [Medical Institution Online Connection Service] We have your application
mail-application-received-body = { $institution }
    Dear { $applicant },

    We have your application. Its number is { $number }.
    To confirm it, we shall call you by about { $due }.
    If nobody has called by { $alarm }, please turn to

    { $contact }
mail-application-approved-subject = [Medical Institution Online Connection Service] Your application is approved
mail-application-approved-body = { $institution }
    Dear { $applicant },

    Your application is approved.
    User ID: { $user }
    VPN-ID: { $vpn }
    You get the initial password by telephone, never by mail.

    Please change it by { $until }, here:
    { $url }
mail-application-rejected-subject = [Medical Institution Online Connection Service] Your application is rejected
mail-application-rejected-body = { $institution }
    Dear { $applicant },

    Your application is rejected.
    Reason: { $reason }

    You can apply again here:
    { $url }
mail-service-received-subject = [Medical Institution Online Connection Service] We have your application for a service
mail-service-received-body = We have your application for a service.
    Service: { $service }
    Number: { $number }

    You hear of the result by mail, in some days, at most about ten.
mail-service-approved-subject = [Medical Institution Online Connection Service] Your application for a service is approved
mail-service-approved-body = Your application for a service is approved.
    Service: { $service }
    Number: { $number }

    Begin to use it here:
    { $url }
mail-service-cancelled-subject = [Medical Institution Online Connection Service] Your application for a service is cancelled
mail-service-cancelled-body = The application for a service is cancelled.
    Service: { $service }
    Number: { $number }
    Reason: { $reason }

    You can apply again here:
    { $url }
mail-staff-added-subject = [Medical Institution Online Connection Service] You have an account
mail-staff-added-body = { $institution }
    Dear { $name },

    You have an account now.
    User ID: { $user }
    VPN-ID: { $vpn }
    Ask your facility's reporting manager for the initial password.

    Please change it by { $until }, here:
    { $url }
mail-password-reset-subject = [Medical Institution Online Connection Service] Your password was reset
mail-password-reset-body = The password of user { $user } was reset.
    The new initial password is never told by mail.

    Please change it by { $until }, here:
    { $url }

    If you did not ask for this, please turn to us at once.
mail-credentials-changed-subject = [Medical Institution Online Connection Service] Password or second factor changed
mail-credentials-changed-body = The password or the second factor of user { $user } was changed.
    When: { $at }

    If this was not you, please turn to us at once:
    somebody else may have done it.
mail-account-locked-subject = [Medical Institution Online Connection Service] Your account is locked
mail-account-locked-body = Wrong passwords were given for user { $user } too often; the account is locked.
    When: { $at }

    If this was not you, please turn to us at once.
    The sign-in page says how to unlock it.

# for the operator
page-review-letters = Letters wait for the mail server: { $count }, since { $since }
page-review-letters-do = look at the mail server and at [joining.mail] of the center; the letters are kept and tried again by themselves
