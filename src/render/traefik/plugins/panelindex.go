// Package panelindex is a Traefik plugin: it answers with one page at the root
// and with "not found" elsewhere. Traefik's interpreter runs it.
package panelindex

import (
	"context"
	"io"
	"net/http"
)

// Config has the page and what browsers may let it do (Content-Security-Policy).
type Config struct {
	Page   string `json:"page,omitempty"`
	Policy string `json:"policy,omitempty"`
}

// CreateConfig is what Traefik fills in.
func CreateConfig() *Config { return &Config{} }

// New makes the handler; it never asks what comes next.
func New(_ context.Context, _ http.Handler, config *Config, _ string) (http.Handler, error) {
	return http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		if request.URL.Path != "/" {
			http.Error(answer, "no such panel", http.StatusNotFound)
			return
		}
		answer.Header().Set("Content-Type", "text/html; charset=utf-8")
		answer.Header().Set("Content-Security-Policy", config.Policy)
		answer.Header().Set("Cache-Control", "no-store")
		_, _ = io.WriteString(answer, config.Page)
	}), nil
}
