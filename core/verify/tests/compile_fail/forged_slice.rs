fn forge(delta: model::SiteDelta, next: model::SiteState, proof: verify::Proof) -> verify::VerifiedSlice {
    verify::VerifiedSlice::new(delta, next, proof)
}

fn main() {}
