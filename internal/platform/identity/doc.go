// Package identity knows who is using Heartline: users, roles and their
// permissions, passwords, second factors, sessions and lockout. It also
// carries the acting person through a request by context (Principal).
//
// It does not know what the permissions protect: each domain package asks
// Require at the start of every use case.
package identity
