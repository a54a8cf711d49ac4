package identity

// HashSecret hashes a short secret of somebody who is no user, such as the PIN
// of a member card, as passwords are hashed. How often it may be tried is up
// to the caller.
func (s *Service) HashSecret(secret string) (string, error) { return s.hasher.hash(secret) }

// VerifySecret reports whether secret belongs to a hash of HashSecret. An
// empty or unreadable hash costs the same time as a wrong secret.
func (s *Service) VerifySecret(secret, hash string) bool {
	ok, _ := s.hasher.verify(secret, hash)
	return ok
}
