// Package dns, without the hundred providers that Traefik could prove a domain
// with: here certificates come to Traefik as Secrets, and the providers' modules
// would take most of its compile time.
package dns

import (
	"fmt"

	"github.com/go-acme/lego/v4/challenge"
)

// NewDNSChallengeProviderByName knows none.
func NewDNSChallengeProviderByName(name string) (challenge.Provider, error) {
	return nil, fmt.Errorf("this build has no DNS provider, so not %q either", name)
}
