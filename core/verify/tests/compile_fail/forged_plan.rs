fn forge(plan: model::Plan, proof: verify::Proof) -> verify::VerifiedPlan {
    verify::VerifiedPlan { plan, leans_on: Default::default(), proof, by_contract: true }
}

fn main() {}
