"""Failures of the host: its driver, devices, limits, rights and packages."""

from backends.domain.start import FailureKind as Kind
from backends.domain.startup.failure_row import row as _row

GPU_FAULTS = (
    _row(
        Kind.INTERNAL_ERROR,
        r"^(?!.*out of memory).*cumem_allocator\.cpp:\d+",
        "vLLM's allocator for the sleep mode failed{in_frame}: {line}",
        "Start without --enable-sleep-mode, which brings this allocator, or try another release.",
    ),
    _row(
        Kind.GPU_FAULT,
        r"Memory access fault by GPU(?: (?P<gpu>[\w-]+))?|HW Exception by GPU(?: (?P<hw>[\w-]+))?",
        "The GPU{gpu_note} met a memory access fault{during}.",
        "Most likely one of AITER's kernels: try VLLM_ROCM_USE_AITER_MOE=0, then "
        "VLLM_ROCM_USE_AITER=0; --enforce-eager leaves out the graphs; `dmesg` shows a "
        "fault of the hardware.",
    ),
    _row(
        Kind.GPU_FAULT,
        r"illegal memory access|misaligned address|unspecified launch failure|HSA_STATUS_ERROR\w*|"
        r"device-side assert|uncorrectable ECC|CUDA error: unknown error|NVRM: Xid|Xid \(|"
        r"CUDA_ERROR_(?:ILLEGAL|LAUNCH)\w*|hipError(?:IllegalAddress|LaunchFailure)|GPU is lost|"
        r"DEVICE_LOST|ACL stream synchronize failed|"
        r"fallen off the bus|illegal instruction was encountered|"
        r"(?:CU|HIP)(?:BLAS|DNN|SPARSE|SOLVER)\w*_STATUS_(?:EXECUTION_FAILED|INTERNAL_ERROR)",
        "The GPU met a fault{during}: {line}",
        "See `dmesg | grep -iE 'xid|amdgpu'` for a fault of the hardware; else a kernel is wrong: "
        "--enforce-eager or another backend ({attention_backend}) gets round it, and "
        "CUDA_LAUNCH_BLOCKING=1 (AMD_SERIALIZE_KERNEL=3) shows where.",
    ),
)

HOST = (
    _row(
        Kind.DEPENDENCY_ERROR,
        r"\w::\w+\(\) (?:expected at most \d+ argument|is missing value for argument|"
        r"Expected a value of type)|"
        r"(?:flash_attn|flash_mla|deep_gemm|aiter)\w*\(\) got an unexpected|"
        r"Unknown keyword argument '\w+' for operator '",
        "Compiled code of vLLM or of a package beside it is of another release than the Python "
        "code that calls it: {line}",
        "Install vLLM again in an environment of its own, so that both are of one release; a "
        "checkout has to be built again after each update, and a package such as aiter or "
        "flash-attn to be the one that this vLLM pins.",
    ),
    _row(
        Kind.NO_DEVICE,
        r"Error 802|system not yet initialized",
        "The GPUs are there, but CUDA is not ready: their NVSwitch fabric is not set up.",
        "Start nvidia-fabricmanager, of the same version as the driver (`systemctl status "
        "nvidia-fabricmanager`).",
    ),
    _row(
        Kind.NO_DEVICE,
        r"(?P<library>libcuda\.so[\w.]*|libnvidia-ml\.so[\w.]*): cannot open shared",
        "The NVIDIA driver's library {library} is not visible: no driver here, or a container "
        "that was not given the GPUs.",
        "A container needs --gpus all and nvidia-container-toolkit; a host needs the driver; on an "
        "AMD host install the ROCm build.",
    ),
    _row(
        Kind.NO_DEVICE,
        r"could not select device driver .{0,60}gpu|nvidia-container-cli: (?:initialization|"
        r"device|detection) error",
        "Docker cannot give the container a GPU: {line}",
        "Install nvidia-container-toolkit on the host, run `nvidia-ctk runtime configure "
        "--runtime=docker`, and restart docker.",
    ),
    _row(
        Kind.DRIVER_MISMATCH,
        r"unsatisfied condition: (?P<wanted_cuda>cuda ?>= ?[\d.]+)",
        "The image wants {wanted_cuda}, which the host's driver does not have.",
        "Update the NVIDIA driver, or take the vLLM image for an older CUDA.",
    ),
    _row(
        Kind.DEPENDENCY_ERROR,
        r"Torch not compiled with \w+ enabled|PyTorch was (?:not )?compiled (?:without|with) \w+|"
        r"not linked with support for \w+ devices",
        "The PyTorch beside this vLLM was built without support for this device.",
        "Install vLLM again in an environment of its own, with the PyTorch that it pins: another "
        'package has replaced it (`python -c "import torch; print(torch.__version__)"`).',
    ),
    _row(
        Kind.NO_DEVICE,
        r"invalid literal for int\(\)[^']{0,40}'(?P<device>(?:MIG|GPU)-[\w/-]+)",
        "This vLLM cannot read a device's name in CUDA_VISIBLE_DEVICES: {device}.",
        "Name the device there by its number (`nvidia-smi -L`), or update vLLM.",
    ),
    _row(
        Kind.NO_DEVICE,
        r"(?P<drivers>\d+) active drivers",
        "Triton wants exactly one kind of GPU here and finds {drivers}.",
        "Check `nvidia-smi` or `rocm-smi` where the server runs; if they answer, install vLLM "
        "again in an environment of its own, with the one Triton that it pins.",
    ),
    _row(
        Kind.NO_DEVICE,
        r"Cannot re-initialize \w+ in forked subprocess",
        "The GPU was opened before vLLM forked its processes, and a forked one cannot open it.",
        "Set VLLM_WORKER_MULTIPROC_METHOD=spawn in the environment; in a script, do not use "
        "torch.cuda before vLLM.",
    ),
    _row(
        Kind.NO_DEVICE,
        r"CUDA unknown error|CUDA driver initialization failed|Device string must not be empty|"
        r"Failed to initialize (?:NPU|HPU|XPU|TPU)|drvRet=|Error 803|aclInit|"
        r"cudaGetDeviceCount\(\)|Error 804|Can't initialize NVML|"
        r"NVML.*(?:not found|Not Initialized)|hipErrorNoDevice|HIP_VISIBLE_DEVICES.*invalid|"
        r"no (?:supported )?(?:GPU|accelerator|NPU|HPU|XPU|TPU)s? (?:is|are|was|were)? ?"
        r"(?:available|found|visible|detected)",
        "The GPUs could not be opened: {line}",
        "Check `nvidia-smi` or `rocm-smi` on the host and in the container, "
        "CUDA_VISIBLE_DEVICES or HIP_VISIBLE_DEVICES; after a driver update the host has to be "
        "restarted.",
    ),
    _row(
        Kind.DEVICE_BUSY,
        r"(?:device|devices)\(?s?\)? is/are busy|device busy|all CUDA-capable devices are busy|"
        r"CUDA_ERROR_DEVICE_UNAVAILABLE|Device acquire failed|Device or resource busy|"
        r"already (?:acquired|in use by)"
        r".{0,40}(?:device|process)",
        "Another process holds the device.",
        "`inferctl gpus` names who holds it; end it, or choose another GPU with "
        "CUDA_VISIBLE_DEVICES or HIP_VISIBLE_DEVICES.",
    ),
    _row(
        Kind.DEVICE_BUSY,
        r"Error in memory profiling\. Initial free memory (?P<first>[\d.]+).*?current free memory "
        r"(?P<later>[\d.]+)",
        "Another process took or released GPU memory while vLLM measured it: {first} GiB were free "
        "at first, {later} GiB later.",
        "Start again once the other process is up or gone; start servers that share a GPU one "
        "after another.",
    ),
    _row(
        Kind.HOST_LIMIT,
        r"\bUVA is not available|pin(?:ned)?[ _-]memory is not (?:available|supported)",
        "The host gives no memory that is pinned for the GPU, which vLLM's model runner wants; "
        "under WSL it does so only where that was asked for.",
        "Set VLLM_WSL2_ENABLE_PIN_MEMORY=1 under WSL, or VLLM_USE_V2_MODEL_RUNNER=0 for the runner "
        "that does without.",
    ),
    _row(
        Kind.HOST_LIMIT,
        r"Too many open files|Errno 24\b",
        "The host's limit of open files was reached.",
        "Raise it: `ulimit -n 65536` in the shell, LimitNOFILE= of the systemd unit, or --ulimit "
        "nofile=65536 with docker.",
    ),
    _row(
        Kind.HOST_LIMIT,
        r"AF_UNIX path too long|ipc path .* longer than|path too long",
        "The path of a socket is longer than the system allows.",
        "Set TMPDIR or VLLM_RPC_BASE_PATH to a short folder, for example /tmp.",
    ),
    _row(
        Kind.HOST_LIMIT,
        r"inotify (?:watch|instance)\w* limit|inotify.*No space left",
        "The host's limit of watched files was reached.",
        "Raise it: `sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=1024`.",
    ),
    _row(
        Kind.HOST_LIMIT,
        r"can't start new thread|Resource temporarily unavailable|pthread_create failed|"
        r"sched_setaffinity|cpuset",
        "The host's limit of processes or CPUs was reached: {line}",
        "Raise `ulimit -u`, --pids-limit of the container, or the CPUs it may use (--cpuset-cpus).",
    ),
    _row(
        Kind.PERMISSION_DENIED,
        r"getpwuid\(\): uid not found: (?P<uid>\d+)|No username set in the environment",
        "The user id {uid} has no name in the container, and a library asks for it.",
        "Set USER, HOME and TORCHINDUCTOR_CACHE_DIR in the server's environment, or run as a user "
        "that /etc/passwd knows.",
    ),
    _row(
        Kind.PERMISSION_DENIED,
        r"(?:PermissionError|Permission denied|Read-only file system|EACCES).*?'(?P<path>[^']+)'",
        "{path} may not be read or written by this user.",
        "Give the user the rights (`ls -ld {path}`), or point HF_HOME, VLLM_CACHE_ROOT and HOME to "
        "a folder that is its own.",
    ),
    _row(
        Kind.PERMISSION_DENIED,
        r"no locator available for file '(?P<path>[^']+)'",
        "Numba finds no folder that this user may write its compiled functions to.",
        "Set NUMBA_CACHE_DIR, and HOME, to a folder that is this user's own.",
    ),
    _row(
        Kind.PERMISSION_DENIED,
        r"PermissionError|permission denied",
        "This user may not listen on port {port}.",
        "Choose a --port above 1023, or give the process CAP_NET_BIND_SERVICE.",
        frames=r"create_server_socket|create_server|uvicorn/",
    ),
    _row(
        Kind.PERMISSION_DENIED,
        r"PermissionError|Permission denied|Read-only file system",
        "A file or device may not be read or written by this user: {line}",
        "Give the user the rights, or point HF_HOME, VLLM_CACHE_ROOT and HOME to a folder that is "
        "its own; on AMD the user must be in the groups video and render.",
    ),
    _row(
        Kind.DEPENDENCY_ERROR,
        r"(?:AttributeError|TypeError|KeyError): (?P<problem>.*)",
        "The installed Transformers does not fit this vLLM: {problem}",
        "Install the range that this vLLM pins (`pip show vllm` lists it), for example `pip "
        'install "transformers<5"`.',
        frames=r"(?<!models)/transformers/|(?<!vllm)/tokenizers/|mistral_common",
    ),
    _row(
        Kind.DEPENDENCY_ERROR,
        r"untagged enum|Unknown version: \w+ in \S*tekken\.json",
        "The model's tokenizer.json or tekken.json is of a newer form than the installed "
        "tokenizers or mistral_common can read.",
        "Update Transformers, tokenizers and mistral_common to the newest that this vLLM takes "
        "(`pip show vllm` lists its range), or update vLLM.",
    ),
    _row(
        Kind.DRIVER_MISMATCH,
        r"NVIDIA driver on your system is too old \(found version (?P<found>\d{1,6})\)",
        "The NVIDIA driver supports CUDA {found_cuda} at most, and this build needs a newer one.",
        "Update the NVIDIA driver, or install a vLLM wheel built for CUDA {found_cuda} or older.",
    ),
    _row(
        Kind.DRIVER_MISMATCH,
        r"CUDA driver version is insufficient|no kernel image is available for execution|"
        r"device kernel image is invalid|HIP error: invalid device function|"
        r"forward compatibility was attempted|PTX was compiled with an unsupported toolchain|"
        r"driver/library version mismatch|NVML/RM version mismatch",
        "The GPU's driver or its kind does not fit the kernels of this build.",
        "Install the vLLM build made for this GPU and driver (`nvidia-smi` or `rocminfo` shows "
        "them); where it is that already, update the driver.",
    ),
    _row(
        Kind.NO_DEVICE,
        r"(?P<library>lib(?:cudart|cublas|amdhip64|torch_hip)[\w.-]*): cannot open shared",
        "{library} is not there: this vLLM is built for another release of CUDA or ROCm than the "
        "PyTorch beside it, or for another kind of GPU.",
        "Install the build for this host's GPUs, in an environment of its own with the PyTorch "
        "that it pins: the ROCm build on AMD, the CUDA build on NVIDIA.",
    ),
    _row(
        Kind.DEPENDENCY_ERROR,
        r"(?P<library>lib(?:E?GL|gthread|glib|SM|X\w+|numa|ibverbs|rdmacm|gomp|sndfile|stdc\+\+)"
        r"[\w.-]*\.so[\w.]*): cannot open shared",
        "A library of the system is not there: {library}.",
        "Install the system's package that has it, for example `apt install libgl1 libglib2.0-0 "
        "libnuma1 libibverbs1`; a container needs it in its image.",
    ),
    _row(
        Kind.DEPENDENCY_ERROR,
        r"(?P<library>lib[\w.+-]{1,60}\.so[\w.]*): cannot open shared",
        "A library that a package needs is not there: {library}.",
        "Install vLLM again in an environment of its own, which brings its libraries, and leave "
        "LD_LIBRARY_PATH unset unless it names them.",
    ),
    _row(
        Kind.NO_DEVICE,
        r"Failed to infer device type|No (?:CUDA|HIP) GPUs are available|No platform detected|"
        r"UnspecifiedPlatform|Found no NVIDIA driver|no CUDA-capable device|invalid device ordinal",
        "No GPU that this vLLM can use was found.",
        "Check `nvidia-smi` or `rocm-smi`; a container needs --gpus all, or --device /dev/kfd "
        "--device /dev/dri on AMD.",
    ),
    _row(
        Kind.STARTUP_TIMEOUT,
        r"(?:startup|liveness) probe failed|failed (?:startup|liveness) probe",
        "Kubernetes ended the container, because its probe did not succeed in time: {line}",
        "Give it a startupProbe whose failureThreshold x periodSeconds is longer than a start "
        "takes here, and leave the livenessProbe to begin after it.",
    ),
    _row(
        Kind.STARTUP_TIMEOUT,
        r"Timed out waiting for engine|VLLM_ENGINE_READY_TIMEOUT_S|Engine core .* timed out|"
        r"did not start (?:up )?(?:with)?in",
        "The engine was not up within the time that vLLM waits for it.",
        "Raise VLLM_ENGINE_READY_TIMEOUT_S (600 by default) in the server's environment.",
    ),
    _row(
        Kind.DEPENDENCY_ERROR,
        r"No module named '(?P<module>(?!vllm|torch)\w+)'",
        "The Python package {module} is not installed where vLLM runs.",
        "Install it into vLLM's environment: `uv pip install {module}`, or the extra that brings "
        "it, such as `vllm[audio]`; or leave out the option that needs it.",
    ),
    _row(
        Kind.DEPENDENCY_ERROR,
        r"No module named '(?P<part>(?P<module>(?!vllm|torch)\w+)\.[\w.]+)'",
        "The installed Python package {module} is of another version than vLLM or a package wants: "
        "it has no {part}.",
        "Install the {module} that this vLLM or its plug-in pins; `uv pip install vllm` in an "
        "environment of its own installs what fits together.",
    ),
    _row(
        Kind.DEPENDENCY_ERROR,
        r"^(?:\w+\.)*(?:ImportError|ModuleNotFoundError)\b.*?(?:install|requir|needs? |found|"
        r"import|module|"
        r"symbol|version|package|library|load|shared object|available|support)|undefined symbol|"
        r"(?:type '[\w.]+'|'(?:type|ABCMeta)' object) is not subscriptable|"
        r"unsupported operand type\(s\) for \|: '(?:type|ABCMeta)'|"
        r"'_OpNamespace' '\w+' object has no attribute|does not exist or is not currently imported|"
        r"Could not run '\w+::\w+' with arguments from|already used by a Transformers|"
        r"operator torchvision::nms does not exist|PackageNotFoundError|cannot import name|"
        r"version `GLIBC",
        "A Python package that vLLM needs is missing or does not fit: {line}",
        "Install vLLM afresh in an environment of its own with a Python it supports, for example "
        "`uv venv --python 3.12` and `uv pip install vllm`.",
    ),
)
