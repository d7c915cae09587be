// A program that logs in every way the dependencies do, for the test that none of it reaches stdout or stderr. It answers by its exit code.
package main

import (
	"fmt"
	"log"
	"log/slog"
	"os"

	golog "github.com/ipfs/go-log/v2"
	"github.com/libp2p/go-libp2p/gologshim"
	"github.com/libp2p/go-libp2p/p2p/canonicallog"
	pionlog "github.com/pion/logging"
	"go.uber.org/zap"

	_ "github.com/unaiverse/p2p/go/internal/logging"
	_ "github.com/unaiverse/p2p/go/internal/logging/silence"
)

func main() {
	fmt.Println("stdout")
	fmt.Fprintln(os.Stderr, "stderr")
	log.Print("log")
	slog.Error("slog")
	golog.Logger("chatty").Error("go-log")
	gologshim.Logger("chatty").Error("shim")
	canonicallog.LogMisbehavingPeer("peer", nil, "chatty", nil, "canonicallog")
	pionlog.NewDefaultLoggerFactory().NewLogger("chatty").Error("pion")
	logger, err := zap.NewProduction()
	if err != nil {
		os.Exit(2)
	}
	logger.Error("zap")
}
