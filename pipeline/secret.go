package pipeline

// Secret is a string that prints as *** everywhere: in logs, errors, dumps of the
// configuration, JSON and YAML. Reveal is the only way to its value.
type Secret string

const hidden = "***"

// Reveal returns the value, for the one call that needs it.
func (s Secret) Reveal() string { return string(s) }

// String hides the value.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// GoString hides the value from %#v.
func (s Secret) GoString() string { return `pipeline.Secret("` + s.String() + `")` }

// MarshalText hides the value from encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes the value.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = Secret(text)
	return nil
}
