fn forge(delta: model::SiteDelta, next: model::SiteState) -> verify::VerifiedSlice {
    verify::VerifiedSlice::new(delta, next, todo!())
}

fn main() {}
