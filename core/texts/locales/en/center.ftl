# center
