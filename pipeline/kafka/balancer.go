package kafka

import (
	"encoding/json"
	"slices"
	"sync"

	kafkago "github.com/segmentio/kafka-go"
)

// sticky assigns partitions so that they stay where they are, and move in two steps: a
// partition that a member still runs is given to nobody else; its member is told to stop
// it, joins again without it, and only then does it go to its new owner.
type sticky struct {
	mu  sync.Mutex
	now claim
}

// claim is what a member tells the leader: what it runs, and since which generation.
type claim struct {
	Generation int32 `json:"generation"`
	Running    []int `json:"running"`
}

func (s *sticky) set(c claim) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = c
}

// ProtocolName is agreed on by all members of a group.
func (s *sticky) ProtocolName() string { return "earshot-sticky" }

// UserData is the member's claim.
func (s *sticky) UserData() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return json.Marshal(s.now)
}

// AssignGroups shares the partitions of the only topic.
func (s *sticky) AssignGroups(members []kafkago.GroupMember, partitions []kafkago.Partition) kafkago.GroupMemberAssignments {
	out := make(kafkago.GroupMemberAssignments, len(members))
	if len(members) == 0 {
		return out
	}
	all := make([]int, 0, len(partitions))
	for _, p := range partitions {
		all = append(all, p.ID)
	}
	slices.Sort(all)
	slices.SortFunc(members, func(a, b kafkago.GroupMember) int { return compare(a.ID, b.ID) })
	shares := share(claims(members), all)
	for i, m := range members {
		out[m.ID] = map[string][]int{m.Topics[0]: shares[i]}
	}
	return out
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func claims(members []kafkago.GroupMember) []claim {
	out := make([]claim, len(members))
	for i, m := range members {
		if err := json.Unmarshal(m.UserData, &out[i]); err != nil {
			out[i] = claim{} // a member that claims nothing gets what is free
		}
	}
	return out
}

// share returns each member's partitions: at most one more for one than for another,
// counting those that are still on their way.
func share(members []claim, partitions []int) [][]int {
	owner := make(map[int]int, len(partitions)) // partition to the member that runs it
	for i, m := range members {
		for _, p := range m.Running {
			// Of two that claim it the one of the later generation is right: the other slept.
			if j, taken := owner[p]; !taken || members[j].Generation < m.Generation {
				owner[p] = i
			}
		}
	}
	least, extra := len(partitions)/len(members), len(partitions)%len(members)
	out := make([][]int, len(members))
	var free []int
	kept := make([]int, len(members))
	for _, p := range partitions {
		i, taken := owner[p]
		if !taken {
			free = append(free, p)
			continue
		}
		switch {
		case kept[i] < least:
		case kept[i] == least && extra > 0:
			extra--
		default:
			continue // moves on: nobody has it until its member has stopped it
		}
		kept[i]++
		out[i] = append(out[i], p)
	}
	for _, p := range free {
		i := fewest(out, least, &extra)
		if i < 0 {
			break
		}
		out[i] = append(out[i], p)
	}
	return out
}

// fewest returns the member with the fewest partitions that may take one more.
func fewest(out [][]int, least int, extra *int) int {
	best := -1
	for i := range out {
		if best < 0 || len(out[i]) < len(out[best]) {
			best = i
		}
	}
	if len(out[best]) < least {
		return best
	}
	if *extra > 0 {
		*extra--
		return best
	}
	return -1
}
