package keyring

import (
	"errors"
	"fmt"
	"time"
)

// Config sets the timers and limits. Zero fields take their default in [Config.Check].
type Config struct {
	RefreshInterval time.Duration // default 5 min
	MinInterval     time.Duration // default 60 s, or RefreshInterval if that is shorter
	MaxStale        time.Duration // default 24 h
	FetchTimeout    time.Duration // default 5 s
	Cooldown        time.Duration // default 20 s, or RefreshInterval if that is shorter
	ColdWait        time.Duration // default 3 s
	StaleWait       time.Duration // default 1 s
	UnknownKidWait  time.Duration // default 2 s
	MaxWaiters      int           // default 256
	// MaxDynamicSources bounds the tenants. Default 1,000.
	MaxDynamicSources int
}

const (
	// usefulCooldown follows an attempt that brought what was asked.
	usefulCooldown = time.Second
	// maxRetryAfter bounds what an issuer may demand.
	maxRetryAfter = 10 * time.Minute
	// discoveryInterval is how long a discovered jwks_uri is believed.
	discoveryInterval = time.Hour
	// rediscoverAfter is the age from which a jwks_uri that is gone is looked up again.
	rediscoverAfter = time.Minute
	// unconditionalInterval is how often a refresh does without validators, so that a
	// wrong 304 cannot keep keys for ever.
	unconditionalInterval = time.Hour
	// suspicionTime is how long an answer without usable keys must stand before it is
	// believed.
	suspicionTime = 2 * time.Minute
	// storeTimeout bounds one call of the store.
	storeTimeout = time.Second
	// aloneCooldown follows an attempt that did not bring the key asked for, while the store
	// does not work; up to half is added at random.
	aloneCooldown = time.Minute
	// idleFactor times the interval without any look makes a process an idle one.
	idleFactor = 1.2
)

// Check returns the configuration with its defaults filled in, or every contradiction in
// it, joined.
func (c Config) Check() (Config, error) {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("verifier: Policy.Keys."+format, args...))
	}
	durations := []struct {
		name  string
		value *time.Duration
		def   time.Duration
	}{
		{"RefreshInterval", &c.RefreshInterval, 5 * time.Minute},
		{"MinInterval", &c.MinInterval, min(time.Minute, positive(c.RefreshInterval, time.Minute))},
		{"MaxStale", &c.MaxStale, 24 * time.Hour},
		{"FetchTimeout", &c.FetchTimeout, 5 * time.Second},
		{"Cooldown", &c.Cooldown, min(20*time.Second, positive(c.RefreshInterval, time.Minute))},
		{"ColdWait", &c.ColdWait, 3 * time.Second},
		{"StaleWait", &c.StaleWait, time.Second},
		{"UnknownKidWait", &c.UnknownKidWait, 2 * time.Second},
	}
	for _, d := range durations {
		if *d.value < 0 {
			bad("%s is negative: 0 means its default, %v", d.name, d.def)
		}
		*d.value = positive(*d.value, d.def)
	}
	for _, n := range []struct {
		name  string
		value *int
		def   int
	}{{"MaxWaiters", &c.MaxWaiters, 256}, {"MaxDynamicSources", &c.MaxDynamicSources, 1000}} {
		if *n.value < 0 {
			bad("%s is negative: 0 means its default, %d", n.name, n.def)
		}
		if *n.value == 0 {
			*n.value = n.def
		}
	}
	switch {
	case c.MinInterval < time.Second:
		bad("MinInterval is %v: at least 1s", c.MinInterval)
	case c.MinInterval > c.RefreshInterval:
		bad("MinInterval is %v: at most RefreshInterval, %v", c.MinInterval, c.RefreshInterval)
	}
	if c.MaxStale < 2*c.RefreshInterval {
		bad("MaxStale is %v: at least twice RefreshInterval, %v", c.MaxStale, c.RefreshInterval)
	}
	if c.FetchTimeout < 100*time.Millisecond || c.FetchTimeout > time.Minute {
		bad("FetchTimeout is %v: between 100ms and 1m", c.FetchTimeout)
	}
	if c.Cooldown < usefulCooldown || c.Cooldown > c.RefreshInterval {
		bad("Cooldown is %v: between %v and RefreshInterval, %v", c.Cooldown, usefulCooldown, c.RefreshInterval)
	}
	for _, d := range durations[5:] {
		if *d.value > time.Minute {
			bad("%s is %v: at most 1m, requests hang that long", d.name, *d.value)
		}
	}
	return c, errors.Join(errs...)
}

func positive(d, def time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return def
}
