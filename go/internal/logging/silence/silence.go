// Package silence takes the host's stdout and stderr away from all Go code, so that no dependency can write into a program that did not ask
// for it. Some keep the writer they find when they initialise (go-log, go-libp2p's canonicallog, its panic reports) or complain about GOLOG_*
// there, so this has to come first: Go initialises ready packages in the order of their paths, and this one needs nothing but os, while
// those need log or log/slog, which come later. Only package main may import it: go test prints through os.Stdout too.
package silence

import (
	"os"
	"runtime"
)

// hosts keeps the two files: the finalizer of a forgotten one would close the host's own descriptor.
var hosts = [2]*os.File{os.Stdout, os.Stderr}

func init() {
	nowhere, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		nowhere = os.NewFile(^uintptr(0)>>1, os.DevNull)
	}
	os.Stdout, os.Stderr = nowhere, nowhere
	runtime.KeepAlive(hosts)
}
