// Command main is the shared library: `go build -buildmode=c-shared`. Its functions are the C of package bridge.
package main

import (
	_ "github.com/unaiverse/p2p/go/bridge"
	_ "github.com/unaiverse/p2p/go/internal/logging/silence"
)

func main() {}
