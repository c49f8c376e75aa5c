package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestInterleaveOrder(t *testing.T) {
	cfg := smallConfig(writeShards(t, []int{3, 1, 2, 1}, nil))
	cfg.Shuffle = 0
	for interleave, want := range map[int]string{
		1: "00 01 02 10 20 21 30",
		2: "00 10 01 20 02 21 30",
		4: "00 10 20 30 01 21 02",
		9: "00 10 20 30 01 21 02",
	} {
		cfg.Interleave = interleave
		var got []string
		for _, key := range keys(mustRun(t, cfg)) { // s1-02
			got = append(got, key[1:2]+key[4:5])
		}
		if strings.Join(got, " ") != want {
			t.Errorf("interleave %d: %v, want %s", interleave, got, want)
		}
	}
}

// The order is a promise to everyone who resumes an old run.
func TestOrderStaysAsItIs(t *testing.T) {
	cfg := smallConfig(writeShards(t, []int{4, 4, 4}, nil))
	cfg.Epochs = 2
	got := keys(mustRun(t, cfg))
	want := strings.Fields("s0-00 s1-01 s1-02 s1-03 s0-01 s0-02 s2-02 s0-03 s2-00 s2-01 s2-03 s1-00 " +
		"s0-00 s1-00 s1-03 s0-02 s1-02 s0-01 s2-01 s2-02 s2-03 s0-03 s1-01 s2-00")
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// All ranks together see every sample of an epoch once, each rank in its own
// share, another one every epoch.
func TestRanksShareTheShards(t *testing.T) {
	counts := []int{2, 3, 1, 2, 4}
	cfg := smallConfig(writeShards(t, counts, nil))
	shares := map[string]bool{}
	for epoch := range 3 {
		seen := map[string]int{}
		cfg.World, cfg.Start.Epoch, cfg.Epochs = 2, epoch, epoch+1
		for rank := range 2 {
			cfg.Rank = rank
			mine := keys(mustRun(t, cfg))
			slices.Sort(mine)
			shares[fmt.Sprint(mine)] = true
			for _, key := range mine {
				seen[key]++
			}
		}
		for key, times := range seen {
			if times != 1 {
				t.Errorf("epoch %d: %s %d times", epoch, key, times)
			}
		}
		if len(seen) != 12 {
			t.Errorf("epoch %d: %d samples", epoch, len(seen))
		}
	}
	if len(shares) == 2 {
		t.Error("the same shares in every epoch")
	}
}

// The order of any list of shards is a permutation, every epoch another one,
// and depends on the order's own settings only.
func TestOrderIsPermutation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := Config{
			Seed: rapid.Uint64().Draw(t, "seed"), Shuffle: rapid.IntRange(0, 30).Draw(t, "shuffle"),
			Interleave: rapid.IntRange(1, 5).Draw(t, "interleave"), World: 1,
		}
		specs := make([]string, rapid.IntRange(1, 5).Draw(t, "sources"))
		total := 0
		for i := range specs {
			count := rapid.IntRange(1, 12).Draw(t, "count")
			total += count
			specs[i] = fmt.Sprintf("builtin:shapes?count=%d&seed=%d", count, i)
		}
		s, err := expand(specs)
		if err != nil {
			t.Fatal(err)
		}
		epoch := func(number int) (out []string) {
			p := &Pipeline{cfg: cfg, ctx: context.Background()}
			o := newOrder(p.ctx, &p.wg, &p.cfg, s, number)
			for {
				e, err := o.next()
				if err != nil {
					break
				}
				out = append(out, e.sample.Source+e.sample.Key)
			}
			o.close()
			p.wg.Wait()
			return out
		}
		first := epoch(0)
		if again := epoch(0); !slices.Equal(first, again) {
			t.Fatalf("%v, then %v", first, again)
		}
		second := epoch(1)
		if cfg.Shuffle == 0 && !slices.Equal(first, second) {
			t.Fatalf("%v, then %v without shuffling", first, second)
		}
		for _, got := range [][]string{first, second} {
			sorted := slices.Clone(got)
			slices.Sort(sorted)
			if len(slices.Compact(sorted)) != total || len(got) != total {
				t.Fatalf("%d samples of %d: %v", len(got), total, got)
			}
		}
	})
}
