//go:build !linux

package embedded

func newNetwork(bool, int) (network, error) { return goNetwork{}, nil }
