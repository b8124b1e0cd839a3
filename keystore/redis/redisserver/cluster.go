//go:build unix

package redisserver

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	slots       = 16_384 // of every cluster
	nodes       = 3
	joinTimeout = 30 * time.Second
)

// Cluster is three servers that share the slots of a Redis Cluster evenly, without replicas.
type Cluster struct {
	Nodes []*Server
	ids   []string
}

// StartCluster runs a cluster and returns once every node says that all is well. Args are
// further arguments of every node. See [Start].
func StartCluster(ctx context.Context, args ...string) (*Cluster, error) {
	c := &Cluster{}
	if err := c.start(ctx, args); err != nil {
		c.Stop()
		return nil, err
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context, args []string) error {
	args = append([]string{"--cluster-enabled", "yes", "--cluster-node-timeout", "2000"}, args...)
	for i := range nodes {
		s, err := Start(ctx, args...)
		if err != nil {
			return err
		}
		c.Nodes = append(c.Nodes, s)
		id, err := s.Do(ctx, "cluster", "myid")
		if err != nil {
			return err
		}
		c.ids = append(c.ids, fmt.Sprint(id))
		// Epochs of their own, or the nodes would first have to agree on some.
		if _, err := s.Do(ctx, "cluster", "set-config-epoch", i+1); err != nil {
			return err
		}
		if _, err := s.Do(ctx, "cluster", "addslotsrange", i*slots/nodes, (i+1)*slots/nodes-1); err != nil {
			return err
		}
		if i == 0 {
			continue
		}
		if _, err := c.Nodes[0].Do(ctx, "cluster", "meet", "127.0.0.1", s.port); err != nil {
			return err
		}
	}
	return c.await(ctx)
}

// await returns once every node knows all slots and all nodes.
func (c *Cluster) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()
	return until(ctx, "the nodes do not form a cluster", func() error {
		for _, s := range c.Nodes {
			reply, err := s.Do(ctx, "cluster", "info")
			if err != nil {
				return err
			}
			info := fmt.Sprint(reply)
			if !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, fmt.Sprintf("cluster_known_nodes:%d", nodes)) {
				return errors.New("a node is not ready")
			}
		}
		return nil
	})
}

// Addrs returns host and port of every node.
func (c *Cluster) Addrs() []string {
	addrs := make([]string, len(c.Nodes))
	for i, s := range c.Nodes {
		addrs[i] = s.Addr()
	}
	return addrs
}

// Owner returns the index of the node that owned the slot of key when the cluster started,
// and the slot.
func (c *Cluster) Owner(ctx context.Context, key string) (node, slot int, err error) {
	reply, err := c.Nodes[0].Do(ctx, "cluster", "keyslot", key)
	if err != nil {
		return 0, 0, err
	}
	n, ok := reply.(int64)
	if !ok {
		return 0, 0, errors.New("redisserver: the slot is no number")
	}
	for int(n) >= (node+1)*slots/nodes {
		node++
	}
	return node, int(n), nil
}

// MoveSlot moves a slot from one node to another, given by their indices, as an operator
// would. If phase is not nil, it is called in the two states between: first while the slot
// is migrating and its keys are still at the source, then once its keys are at the target
// and the source still owns the slot.
func (c *Cluster) MoveSlot(ctx context.Context, slot, from, to int, phase func(moved bool)) error {
	if phase == nil {
		phase = func(bool) {}
	}
	source, target := c.Nodes[from], c.Nodes[to]
	if _, err := target.Do(ctx, "cluster", "setslot", slot, "importing", c.ids[from]); err != nil {
		return err
	}
	if _, err := source.Do(ctx, "cluster", "setslot", slot, "migrating", c.ids[to]); err != nil {
		return err
	}
	phase(false)
	if err := moveKeys(ctx, source, target, slot); err != nil {
		return err
	}
	phase(true)
	if err := moveKeys(ctx, source, target, slot); err != nil { // those that came in between
		return err
	}
	for _, s := range []*Server{target, source, c.Nodes[nodes-from-to]} {
		if _, err := s.Do(ctx, "cluster", "setslot", slot, "node", c.ids[to]); err != nil {
			return err
		}
	}
	return nil
}

func moveKeys(ctx context.Context, source, target *Server, slot int) error {
	for {
		reply, err := source.Do(ctx, "cluster", "getkeysinslot", slot, 100)
		if err != nil {
			return err
		}
		keys, _ := reply.([]any)
		if len(keys) == 0 {
			return nil
		}
		for _, key := range keys {
			if _, err := source.Do(ctx, "migrate", "127.0.0.1", target.port, key, 0, 5000); err != nil {
				return err
			}
		}
	}
}

// Stop stops every node.
func (c *Cluster) Stop() {
	for _, s := range c.Nodes {
		s.Stop()
	}
}
