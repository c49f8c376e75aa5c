package trainer

import (
	"os"
	"path"
	"strconv"
	"strings"
)

// availableMemory is the least of what the kernel would give without swapping (MemAvailable), what is left of
// the limits of the process's control groups, and what is left of GOMEMLIMIT.
func availableMemory() int64 {
	least := goLimit()
	lower := func(n int64, ok bool) {
		if ok && (least == 0 || n < least) {
			least = max(n, 1)
		}
	}
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		n, ok := field(string(text), "MemAvailable:")
		lower(n<<10, ok)
	}
	groups, _ := os.ReadFile("/proc/self/cgroup")
	for line := range strings.Lines(string(groups)) {
		// number:controllers:path; version 2 has no controllers.
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		root, limit, usage, cache := "/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"
		if parts[1] == "memory" {
			root, limit, usage, cache = "/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
		} else if parts[1] != "" {
			continue
		}
		// A group is bound by the limits of all above it. In a container the path may be another's: what isn't
		// there has no limit.
		for dir := path.Clean("/" + parts[2]); ; dir = path.Dir(dir) {
			lower(groupLeft(root+dir, limit, usage, cache))
			if dir == "/" {
				break
			}
		}
	}
	return least
}

// groupLeft is what a control group may still take: its limit without what is used, where cached files that can
// be dropped don't count.
func groupLeft(dir, limit, usage, cache string) (int64, bool) {
	number := func(name string) (int64, bool) {
		text, err := os.ReadFile(path.Join(dir, name))
		if err != nil {
			return 0, false
		}
		n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		return n, err == nil // "max": none
	}
	most, ok := number(limit)
	used, known := number(usage)
	if !ok || !known || most >= 1<<60 {
		return 0, false
	}
	stat, _ := os.ReadFile(path.Join(dir, "memory.stat"))
	droppable, _ := field(string(stat), cache)
	return most - used + droppable, true
}

// field returns the number behind a name at the start of a line.
func field(text, name string) (int64, bool) {
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) >= 2 && words[0] == name {
			n, err := strconv.ParseInt(words[1], 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}
