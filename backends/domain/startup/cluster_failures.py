"""Failures between ranks, nodes and processes: what one has to share with, or await of, another."""

from backends.domain.start import FailureKind as Kind
from backends.domain.startup.failure_row import row as _row

CLUSTER = (
    _row(
        Kind.SHARED_MEMORY_FULL,
        r"/dev/shm\S*.*No space left|No space left.*/dev/shm|"  # noqa: S108
        r"Insufficient space in /dev/shm|No space left.*'/psm_\w+|"
        r"unable to (?:write to|mmap|open|resize).{0,60}</torch_\S*>.*No space left|"
        r"Bus error.*shared memory|insufficient shared memory|out of shared memory \(shm\)",
        "The shared memory between the processes (/dev/shm) is full.",
        "Give the container more: --shm-size=16g or --ipc=host with docker, an emptyDir with "
        "`medium: Memory` on /dev/shm in Kubernetes; on a host look with `df -h /dev/shm`.",
    ),
    _row(
        Kind.PORT_IN_USE,
        r"port: (?P<port>\d+).*EADDRINUSE|(?:master|rendezvous|tcpstore|init).{0,80}:(?P<other>\d+)"
        r".*address already in use",
        "Port {port}, at which the ranks meet, is held by another process.",
        "End it (`ss -ltnp 'sport = :{port}'` names it), or let the ranks meet at another "
        "port with {meeting_flag}.",
    ),
    _row(
        Kind.PORT_IN_USE,
        r"server socket has failed to listen on any local network addr",
        "The port at which the ranks meet could not be opened: most likely another process holds "
        "it: {line}",
        "See `ss -ltnp` for who listens and end it, or let the ranks meet at another port with "
        "{meeting_flag}.",
    ),
    _row(
        Kind.PORT_IN_USE,
        r"Address already in use[^\n]{0,40}tcp://[^\s':]{0,100}:(?P<port>\d+)",
        "Port {port}, which a process of the server wants beside the API, is held by another.",
        "End it (`ss -ltnp 'sport = :{port}'` names it), or change the option or VLLM_ variable "
        "that names this port.",
    ),
    _row(
        Kind.COMMUNICATION_FAILED,
        r"DistNetworkError.*?(?:failed to connect|cannot be retrieved)",
        "The address at which the ranks meet could not be reached: {line}",
        "Check that each node resolves and reaches it (`getent hosts`, firewall), and that "
        "--master-addr or VLLM_HOST_IP names the interface which the nodes share.",
    ),
    _row(
        Kind.COMMUNICATION_FAILED,
        r"gai error|"
        r"name resolution|Name or service not known|Network is unreachable|No route to host|"
        r"Connection refused",
        "The address at which the ranks meet could not be reached: {line}",
        "Check that each node resolves and reaches it (`getent hosts`, firewall), and that "
        "--master-addr or VLLM_HOST_IP names the interface which the nodes share.",
        frames=r"torch/distributed|vllm/distributed|/ray/|/zmq/|nixl|mooncake",
    ),
    _row(
        Kind.RANK_MISSING,
        r"DistStoreError: .*?timeout after (?P<waited_ms>\d+) ?ms|"
        r"(?:(?:Timed out|timeout) after (?P<waited>\d+) seconds.{0,80})?"
        r"(?P<joined>\d+)/(?P<awaited>\d+) clients joined|"
        r"(?:Timeout|Timed out) waiting for (?:all )?(?:ranks|workers|nodes|clients)|"
        r"client socket has timed out after (?P<waited_too_ms>\d+) ?ms",
        "Another node or rank did not join{within_note}{world_note}.",
        "Look into the other nodes' and ranks' logs for why they are not there; every node must "
        "reach the first one's address and port (VLLM_HOST_IP, firewall), and all must be started "
        "with the same sizes.",
    ),
    _row(
        Kind.RANK_MISSING,
        r"Did not receive response from front-end",
        "The engine got no answer from the server's front end, mostly on the first node: {line}",
        "Look into the first node's log for why; --data-parallel-address and "
        "--data-parallel-rpc-port must be its own on every node, and be reached through the "
        "firewall.",
    ),
    _row(
        Kind.ENGINE_DIED,
        r"(?:ActorDiedError|RayActorError)(?:[\s\S]*?Worker exit type: (?P<exit_type>\w+))?",
        "A worker's process that Ray ran ended{exit_note}.",
        "Its own words are in Ray's logs on the worker's node: `ls -t /tmp/ray/session_latest/logs/"
        "worker-*.err | head`; look there into the kernel log too (`journalctl -k`).",
    ),
    _row(
        Kind.RANK_MISSING,
        r"unique IP address",
        "Ray knows two nodes by one address: {line}",
        "Set VLLM_HOST_IP on each node to an address of its own, by which the others reach it.",
    ),
    _row(
        Kind.RANK_MISSING,
        r"placement group.{0,200}?(?:timed? ?out|not (?:ready|enough)|"
        r"cannot be (?:created|provided)"
        r"|failed)|Cannot (?:provide|find) a? ?placement group|"
        r"Current node has no GPU available|No available node types can fulfill|"
        r"not have enough (?:GPU|resource)s?.{0,40}(?:ray|cluster|node)",
        "Ray did not give the GPUs that the parallel sizes ask for: {line}",
        "See with `ray status` how many GPUs the cluster has and who holds them; VLLM_HOST_IP must "
        "be on each node the address under which Ray knows it.",
    ),
    _row(
        Kind.COMMUNICATION_FAILED,
        r"Duplicate GPU detected|NCCL (?:error|failure).*invalid usage",
        "Ranks cannot form one group: most likely two of them were given the same GPU.",
        "Give each rank a GPU of its own: check CUDA_VISIBLE_DEVICES, the parallel sizes and that "
        "no other replica runs on the same GPUs; NCCL_DEBUG=INFO names them.",
    ),
    _row(
        Kind.COMMUNICATION_FAILED,
        r"\boneCCL:|CCL_ERROR",
        "Intel's communication library oneCCL could not connect the ranks: {line}",
        "A container needs --device /dev/dri and --ipc=host; where the kernel has no pidfd set "
        "CCL_ZE_IPC_EXCHANGE=sockets; CCL_LOG_LEVEL=info tells more.",
    ),
    _row(
        Kind.COMMUNICATION_FAILED,
        r"custom_all_?reduce\.cuh?:\d+",
        "vLLM's own all-reduce kernels could not share memory between these GPUs: {line}",
        "Start with --disable-custom-all-reduce, which leaves the exchange to NCCL or RCCL.",
    ),
    _row(
        Kind.COMMUNICATION_FAILED,
        r"nvidia_peermem|ibv_\w+|NCCL WARN .*(?:socket|connect|interface|NET/)|"
        r"(?:Gloo|gloo).{0,80}(?:connect|Connection|timeout)|No interface found",
        "The ranks' connection over the network failed: {line}",
        "Set NCCL_SOCKET_IFNAME and GLOO_SOCKET_IFNAME to the interface by which the nodes reach "
        "one another (`ip -br addr`); NCCL_DEBUG=INFO says which one was taken.",
    ),
    _row(
        Kind.COMMUNICATION_FAILED,
        r"(?:N|R|H)CCL (?:error|failure|operation)|DistBackendError|ncclUnhandled\w+|"
        r"retrieving ncclUniqueId|ncclSystem\w+|"
        r"ncclInternal\w+|NIXL_ERR\w*|nixl\w*(?:Backend|Remote)\w*Error|(?:UCX|ucx)\s+ERROR|"
        r"NCCL WARN .*(?:fail|error)|HCCL.{0,40}(?:fail|error)|"
        r"ProcessGroup\w* .*watchdog.*(?:timeout|"
        r"caught)|Watchdog caught collective operation timeout",
        "The communication between the ranks failed.",
        "Start once with NCCL_DEBUG=INFO, which names the cause; in a container it is most likely "
        "shared memory (--shm-size=16g or --ipc=host), over several nodes the interface "
        "(NCCL_SOCKET_IFNAME).",
    ),
    _row(
        Kind.ENGINE_HUNG,
        r"RPC call to (?P<call>\S+) timed out|TimeoutError: RPC call|RayChannelTimeoutError",
        "A worker did not answer the engine's call{call_note} in time.",
        "Look at what the workers do (`py-spy dump --pid PID`); if it is a long compilation, raise "
        "VLLM_EXECUTE_MODEL_TIMEOUT_SECONDS.",
    ),
)
