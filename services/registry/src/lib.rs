//! State and audit in one transaction, on SQLite or PostgreSQL.
