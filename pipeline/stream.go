package pipeline

// Stream is one separate world of posts: a topic, the tables that it fills and the
// consumer group that carries it there. Simulated posts have a stream of their own,
// so that they can never be mistaken for real ones.
type Stream struct {
	Name      string // live or simulated
	Topic     string
	Database  string
	Group     string
	Simulated bool // posts of this stream must say simulated, posts of others must not
}

// LiveStream carries what people really said.
func LiveStream() Stream {
	return Stream{Name: "live", Topic: "posts", Database: "earshot", Group: "earshot-live"}
}

// SimulatedStream carries what the simulation invents.
func SimulatedStream() Stream {
	return Stream{
		Name: "simulated", Topic: "posts-simulated", Database: "earshot_simulated",
		Group: "earshot-simulated", Simulated: true,
	}
}
