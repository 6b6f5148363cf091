//! What an event is about, and how its text gets its values.

use model::{GrantId, Section};
use std::collections::BTreeSet;

use super::Event;
use crate::{ApprovalAnswer, Observation, Point, ReasonRecord};

impl Event {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        self.kind().code
    }

    /// Evidence of a point.
    pub fn evidence(point: Point, seen: Observation) -> Self {
        match point {
            Point::Source => Self::EvidenceSource { seen },
            Point::AccessPoint => Self::EvidenceAccessPoint { seen },
            Point::Destination => Self::EvidenceDestination { seen },
        }
    }

    /// The observation, if it is evidence.
    pub fn observation(&self) -> Option<(Point, &Observation)> {
        match self {
            Self::EvidenceSource { seen } => Some((Point::Source, seen)),
            Self::EvidenceAccessPoint { seen } => Some((Point::AccessPoint, seen)),
            Self::EvidenceDestination { seen } => Some((Point::Destination, seen)),
            _ => None,
        }
    }

    /// The grant it is about, if it is about one.
    pub fn grant(&self) -> Option<GrantId> {
        match self {
            Self::PlanRefused { grant, .. } => *grant,
            Self::ConnectionPermitted { grant, .. }
            | Self::ConnectionOpening { grant, .. }
            | Self::ConnectionOpen { grant }
            | Self::ConnectionClosing { grant, .. }
            | Self::ConnectionClosed { grant }
            | Self::ConnectionRenewed { grant, .. }
            | Self::ConnectionFailed { grant, .. } => Some(*grant),
            Self::EvidenceSource { seen } | Self::EvidenceAccessPoint { seen } | Self::EvidenceDestination { seen } => {
                Some(seen.grant)
            }
            Self::LogStarted { .. }
            | Self::CenterStarted { .. }
            | Self::CenterStopped { .. }
            | Self::LogVerified { .. }
            | Self::EvidenceHandled { .. }
            | Self::OperatorAction { .. }
            | Self::NetworkApplied { .. }
            | Self::NetworkRefused { .. }
            | Self::NetworkExported { .. }
            | Self::NetworkImported { .. }
            | Self::StatesPlannedAnew { .. }
            | Self::ConnectionRequested { .. }
            | Self::ConnectionDenied { .. }
            | Self::GateJoined { .. }
            | Self::GateLeft { .. }
            | Self::GateRefused { .. }
            | Self::OrderRefused { .. }
            | Self::GateConverged { .. }
            | Self::PacketRefused { .. }
            | Self::ForeignRule { .. }
            | Self::SessionStarted { .. }
            | Self::SignInRefused { .. }
            | Self::SessionEnded { .. }
            | Self::ApprovalAsked { .. }
            | Self::ApprovalAnswered { .. }
            | Self::ApprovalDenied { .. }
            | Self::CutOrdered { .. }
            | Self::ApplicationBegun { .. }
            | Self::ApplicationSubmitted { .. }
            | Self::ApplicationCalled { .. }
            | Self::ApplicationSettled { .. }
            | Self::ApplicationApproved { .. }
            | Self::ApplicationRejected { .. }
            | Self::ApplicationLapsed { .. }
            | Self::AccountAdded { .. }
            | Self::InstitutionNamed { .. }
            | Self::SiteProposed { .. }
            | Self::SiteDecided { .. }
            | Self::SiteChanged { .. }
            | Self::AgreementProposed { .. }
            | Self::AgreementDecided { .. }
            | Self::TokenGiven { .. }
            | Self::TokenRevoked { .. }
            | Self::ProgramActed { .. }
            | Self::PortalSignedIn { .. }
            | Self::PortalSignInRefused { .. }
            | Self::AccountLocked { .. }
            | Self::PortalSignedOut { .. }
            | Self::PasswordChosen { .. }
            | Self::VpnPasswordShown { .. }
            | Self::AccountReset { .. }
            | Self::AccountChanged { .. }
            | Self::SecondFactorChanged { .. }
            | Self::ServiceApplied { .. }
            | Self::ServiceApproved { .. }
            | Self::ServiceCancelled { .. }
            | Self::NoticePublished { .. }
            | Self::DirectoryChanged { .. }
            | Self::LetterSent { .. }
            | Self::CodeGiven { .. }
            | Self::CodeUsed { .. }
            | Self::ClientVpnBegan { .. }
            | Self::ClientVpnEnded { .. }
            | Self::ClientVpnRefused { .. }
            | Self::ClientVpnCut { .. }
            | Self::EnrolmentOffered { .. }
            | Self::CertificateIssued { .. }
            | Self::EnrolmentRefused { .. }
            | Self::CertificateRevoked { .. }
            | Self::RevocationListIssued { .. }
            | Self::DeviceTakenIn { .. }
            | Self::DeviceRefused { .. }
            | Self::ElementProved { .. }
            | Self::DeviceBound { .. }
            | Self::DeviceAnswered { .. }
            | Self::DeviceReported { .. }
            | Self::DeviceVouched { .. }
            | Self::DeviceRevoked { .. }
            | Self::DeviceEnded { .. }
            | Self::AgreementSigned { .. }
            | Self::SubmissionBegun { .. }
            | Self::SubmissionReceived { .. }
            | Self::SubmissionAccepted { .. }
            | Self::SubmissionRefused { .. }
            | Self::SubmissionEnded { .. }
            | Self::ReceiptOverseen { .. } => None,
        }
    }

    /// In whose sections what it reports happened, without repetition (N12); empty if it reports no fault or refusal.
    pub fn sections(&self) -> Vec<Section> {
        let of = |reasons: &[ReasonRecord]| {
            let sections: BTreeSet<Section> = reasons.iter().map(|r| r.section).collect();
            sections.into_iter().collect()
        };
        match self {
            Self::ConnectionDenied { reasons, .. }
            | Self::GateRefused { reasons, .. }
            | Self::SignInRefused { reasons, .. }
            | Self::ApprovalDenied { reasons, .. }
            | Self::SubmissionRefused { reasons, .. }
            | Self::PacketRefused { reasons, .. } => of(reasons),
            Self::PlanRefused { section, .. }
            | Self::ConnectionFailed { section, .. }
            | Self::GateLeft { section, .. }
            | Self::OrderRefused { section, .. } => vec![*section],
            // Who must agree and does not, or does not answer, is the provider.
            Self::ApprovalAnswered { answer: ApprovalAnswer::Refused | ApprovalAnswer::Expired, .. } => {
                vec![Section::Peer]
            }
            Self::ConnectionClosing { cause, .. } => cause.section().into_iter().collect(),
            // Whoever can write to the switch stands in the house.
            Self::ForeignRule { .. } => vec![Section::InHouseLan],
            Self::NetworkRefused { reasons, .. } if reasons.is_empty() => vec![Section::Operator],
            Self::NetworkRefused { reasons, .. } => of(reasons),
            Self::LogVerified { fault: Some(_), .. } => vec![Section::Operator],
            _ => Vec::new(),
        }
    }

    /// Values of its text: every field as one line of text, nested ones in canonical JSON.
    pub fn args(&self) -> Vec<(String, String)> {
        let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(self) else { return Vec::new() };
        fields
            .into_iter()
            .filter(|(name, _)| name != "code")
            .map(|(name, value)| match value {
                serde_json::Value::String(text) => (name, text),
                other => (name, other.to_string()),
            })
            .collect()
    }
}
