//! The gate process: one per site.
