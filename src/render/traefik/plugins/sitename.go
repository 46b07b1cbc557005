// Package sitename is a Traefik plugin: it takes the site out of a request's
// host name, so that app.site2.home.example goes where app.home.example goes.
// Traefik's interpreter runs it; the router before it says which names it sees.
package sitename

import (
	"context"
	"errors"
	"net/http"
	"strings"
)

// Config says which ending of a host name becomes which other, and which name
// before it does not.
type Config struct {
	From   string `json:"from,omitempty"`
	To     string `json:"to,omitempty"`
	Except string `json:"except,omitempty"`
}

// CreateConfig is what Traefik fills in.
func CreateConfig() *Config { return &Config{} }

// New makes the handler; an ending that is missing is refused when Traefik reads it.
func New(_ context.Context, next http.Handler, config *Config, _ string) (http.Handler, error) {
	if config.From == "" || config.To == "" {
		return nil, errors.New("sitename: from and to must be given")
	}
	from, to := "."+config.From, "."+config.To
	return http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		host, port := request.Host, ""
		if colon := strings.LastIndexByte(host, ':'); colon >= 0 {
			host, port = host[:colon], host[colon:]
		}
		name := strings.TrimSuffix(strings.ToLower(host), ".")
		rest := strings.TrimSuffix(name, from)
		// A name that holds the site twice would come back here, again and again.
		if rest == name || rest == "" || rest == config.Except || strings.HasSuffix(rest+to, from) {
			http.Error(answer, "no such name at this site", http.StatusNotFound)
			return
		}
		request.Host = rest + to + port
		next.ServeHTTP(answer, request)
	}), nil
}
