package porttest

import "testing"

func TestTheStandInIsAPort(t *testing.T) {
	Conformance(t, func(*testing.T) Program { return New().Program() })
}
