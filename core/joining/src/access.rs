//! Who may do what. Total: every role and every action, without a wildcard, so that a new one must be decided.

use crate::AccountRole;

/// Somebody before a page, as far as its object is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Not signed in.
    Nobody,
    /// Holds the one-time URL of an application, or an initial password, or the page after it.
    Applicant,
    /// 届出担当者 of the institution it is about.
    Staff,
    /// 届出責任者 of the institution it is about.
    Manager,
    /// An operator of the center.
    Operator,
    /// Reads, changes nothing.
    Auditor,
    /// Signed in, but for another institution than it is about.
    OtherInstitution,
}

impl Role {
    /// All.
    pub const ALL: [Self; 7] = [
        Self::Nobody,
        Self::Applicant,
        Self::Staff,
        Self::Manager,
        Self::Operator,
        Self::Auditor,
        Self::OtherInstitution,
    ];

    /// Stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Applicant => "applicant",
            Self::Staff => "staff",
            Self::Manager => "manager",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
            Self::OtherInstitution => "other-institution",
        }
    }
}

impl From<AccountRole> for Role {
    fn from(role: AccountRole) -> Self {
        match role {
            AccountRole::Manager => Self::Manager,
            AccountRole::Staff => Self::Staff,
        }
    }
}

crate::field::names! {
    /// What somebody may want. Each page and each call of the API names one.
    Action {
        /// See what is for everybody: start page, terms, questions, style sheets, CAPTCHA, the state of health.
        Look = "look",
        /// Run the preflight of the terminal (R1).
        Preflight = "preflight",
        /// Give a mail address (利用仮申請, R2).
        Begin = "begin",
        /// Use the one-time URL: the full application, institution search, confirmation (利用本申請, R3).
        Apply = "apply",
        /// Prove oneself: user ID and password, initial or chosen; second factor (R5, R8).
        SignIn = "sign-in",
        /// Change the initial password (R5).
        ChangeInitial = "change-initial",
        /// See the VPN password, once (R6).
        ShowVpnPassword = "show-vpn-password",
        /// Fetch connection profiles, tools and manuals (R6, R10).
        Download = "download",
        /// Read notices (R8).
        ReadNotices = "read-notices",
        /// See the menu (R8).
        SeeMenu = "see-menu",
        /// Sign out (R8).
        SignOut = "sign-out",
        /// Change one's own password and second factors.
        ChangeOwn = "change-own",
        /// Apply for a service, or take the application back (R9).
        ApplyForService = "apply-for-service",
        /// See the institution's applications for services.
        SeeServices = "see-services",
        /// Get a code for a service certificate, see the own ones (R10).
        GetCertificate = "get-certificate",
        /// See the staff of the institution.
        SeeStaff = "see-staff",
        /// Add and remove staff, reset their passwords (R11).
        ManageStaff = "manage-staff",
        /// Submit report files (R12).
        Submit = "submit",
        /// See submissions and receipts of the institution.
        SeeSubmissions = "see-submissions",
        /// See which institution submitted what and when, and its receipt; never what is in a file (R12).
        OverseeSubmissions = "oversee-submissions",
        /// See sites, hosts, devices and agreements of the institution (G12).
        SeeSites = "see-sites",
        /// Register them, sign agreements for the institution (G12).
        ManageSites = "manage-sites",
        /// Take proposed sites in or reject them, and register for any institution (G12).
        RegisterSites = "register-sites",
        /// Make and revoke tokens for one's own programs.
        ManageTokens = "manage-tokens",
        /// See the work-list and applications (R4).
        SeeReview = "see-review",
        /// Record calls, settle the institution, approve, reject (R4).
        Review = "review",
        /// Approve and cancel applications for services (R9).
        ReviewServices = "review-services",
        /// See accounts of every institution.
        SeeAccounts = "see-accounts",
        /// Reset, unlock, suspend accounts (R5).
        ManageAccounts = "manage-accounts",
        /// Publish notices (R8).
        Publish = "publish",
        /// Change the directory of institutions (R3).
        ManageDirectory = "manage-directory",
        /// Take out and put in what the operator holds (N10).
        Transfer = "transfer",
        /// Read the audit log (G13).
        ReadAudit = "read-audit",
    }
}

/// May this role do this?
pub fn may(role: Role, action: Action) -> bool {
    use Role::{Applicant, Auditor, Manager, Nobody, Operator, OtherInstitution, Staff};
    match action {
        Action::Look | Action::Preflight => match role {
            Nobody | Applicant | Staff | Manager | Operator | Auditor | OtherInstitution => true,
        },
        // Signing in and applying anew is for anybody who comes without a session; a session changes nothing about it.
        Action::Begin | Action::SignIn => match role {
            Nobody | Applicant | Staff | Manager | OtherInstitution => true,
            Operator | Auditor => false,
        },
        Action::Apply | Action::ChangeInitial | Action::ShowVpnPassword => match role {
            Applicant => true,
            Nobody | Staff | Manager | Operator | Auditor | OtherInstitution => false,
        },
        Action::Download => match role {
            Applicant | Staff | Manager | OtherInstitution => true,
            Nobody | Operator | Auditor => false,
        },
        // About no institution: any account.
        Action::ReadNotices | Action::SeeMenu | Action::ChangeOwn | Action::ManageTokens => match role {
            Staff | Manager | OtherInstitution => true,
            Nobody | Applicant | Operator | Auditor => false,
        },
        Action::SignOut => match role {
            Applicant | Staff | Manager | OtherInstitution => true,
            Nobody | Operator | Auditor => false,
        },
        Action::ApplyForService | Action::ManageStaff | Action::ManageSites => match role {
            Manager => true,
            Nobody | Applicant | Staff | Operator | Auditor | OtherInstitution => false,
        },
        Action::SeeServices | Action::SeeStaff | Action::SeeSites => match role {
            Staff | Manager | Operator | Auditor => true,
            Nobody | Applicant | OtherInstitution => false,
        },
        Action::GetCertificate | Action::Submit => match role {
            Staff | Manager => true,
            Nobody | Applicant | Operator | Auditor | OtherInstitution => false,
        },
        // What is in a report is the institution's; operators see that there is one, by their own action.
        Action::SeeSubmissions => match role {
            Staff | Manager | Auditor => true,
            Nobody | Applicant | Operator | OtherInstitution => false,
        },
        Action::SeeReview | Action::SeeAccounts | Action::OverseeSubmissions => match role {
            Operator | Auditor => true,
            Nobody | Applicant | Staff | Manager | OtherInstitution => false,
        },
        Action::Review
        | Action::ReviewServices
        | Action::ManageAccounts
        | Action::Publish
        | Action::ManageDirectory
        | Action::RegisterSites
        | Action::Transfer => match role {
            Operator => true,
            Nobody | Applicant | Staff | Manager | Auditor | OtherInstitution => false,
        },
        Action::ReadAudit => match role {
            Operator | Auditor => true,
            Nobody | Applicant | Staff | Manager | OtherInstitution => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_auditor_changes_nothing_and_nobody_sees_anything_of_an_institution() {
        let changing = [
            Action::Begin,
            Action::Apply,
            Action::ChangeInitial,
            Action::ShowVpnPassword,
            Action::ChangeOwn,
            Action::ApplyForService,
            Action::GetCertificate,
            Action::ManageStaff,
            Action::Submit,
            Action::ManageSites,
            Action::RegisterSites,
            Action::ManageTokens,
            Action::Review,
            Action::ReviewServices,
            Action::ManageAccounts,
            Action::Publish,
            Action::ManageDirectory,
            Action::Transfer,
        ];
        assert!(changing.iter().all(|a| !may(Role::Auditor, *a)));
        let open = [Action::Look, Action::Preflight, Action::Begin, Action::SignIn];
        for action in Action::ALL {
            assert_eq!(may(Role::Nobody, *action), open.contains(action), "{}", action.as_str());
        }
    }

    #[test]
    fn another_institution_has_only_what_is_about_none() {
        let allowed: Vec<_> =
            Action::ALL.iter().filter(|a| may(Role::OtherInstitution, **a)).map(|a| a.as_str()).collect();
        assert_eq!(
            allowed,
            [
                "look",
                "preflight",
                "begin",
                "sign-in",
                "download",
                "read-notices",
                "see-menu",
                "sign-out",
                "change-own",
                "manage-tokens"
            ]
        );
    }

    #[test]
    fn every_action_is_somebodys_and_only_a_manager_manages_staff_r11() {
        for action in Action::ALL {
            assert!(Role::ALL.iter().any(|r| may(*r, *action)), "{}", action.as_str());
        }
        let managers: Vec<_> = Role::ALL.iter().filter(|r| may(**r, Action::ManageStaff)).collect();
        assert_eq!(managers, [&Role::Manager]);
    }
}
