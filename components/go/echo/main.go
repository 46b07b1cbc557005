// Command echo answers HTTP on :8080 with where it runs, so that a test can see
// which pod on which node a request reached. It takes both names from its
// environment (POD_NAME, NODE_NAME, set by the downward API).
//
// `echo get URL` is its own client, for tests from inside a pod that has no other;
// `echo write FILE TEXT` and `echo read FILE` are what it has in place of a shell.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	switch {
	case len(os.Args) == 3 && os.Args[1] == "get":
		get(os.Args[2])
	case len(os.Args) == 4 && os.Args[1] == "write":
		orExit(os.WriteFile(os.Args[2], []byte(os.Args[3]), 0o600))
	case len(os.Args) == 3 && os.Args[1] == "read":
		text, err := os.ReadFile(os.Args[2])
		orExit(err)
		os.Stdout.Write(text)
	default:
		serve()
	}
}

func orExit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// get prints a page's body; it exits 1 where the server does not answer 200.
func get(url string) {
	client := http.Client{Timeout: 5 * time.Second}
	response, err := client.Get(url)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer response.Body.Close()
	if _, err := io.Copy(os.Stdout, response.Body); err != nil || response.StatusCode != http.StatusOK {
		fmt.Fprintln(os.Stderr, response.Status, err)
		os.Exit(1)
	}
}

// serve answers until it is told to end; as process 1 it must ask for SIGTERM or never get it.
func serve() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-stop
		os.Exit(0)
	}()
	pod, node := os.Getenv("POD_NAME"), os.Getenv("NODE_NAME")
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "pod=%s node=%s client=%s host=%s\n", pod, node, r.RemoteAddr, r.Host)
	})
	server := http.Server{Addr: ":8080", ReadHeaderTimeout: 5 * time.Second}
	if err := server.ListenAndServe(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
