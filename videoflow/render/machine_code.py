"""Programs in LLVM's assembly, compiled for this machine when they are first needed: for loops that numpy has no call for."""

import ctypes
import threading

import llvmlite.binding as llvm

POINTER, NUMBER, REAL = ctypes.c_void_p, ctypes.c_int64, ctypes.c_double
_compiling = threading.Lock()


class MachineCode:
    """Some compiled functions that return nothing; ``kinds`` has the arguments of each by its name.

    A function is called by ``function(name)(...)``; the engine owns its code and lives as long as this does.
    """

    def __init__(self, assembly: str, kinds: dict[str, tuple[type, ...]]) -> None:
        self._assembly, self._kinds = assembly, kinds
        self._engine: llvm.ExecutionEngine | None = None
        self._functions: dict[str, ctypes._FuncPointer] = {}

    def function(self, name: str) -> "ctypes._FuncPointer":
        """Return a function, compiled (5 to 20 ms) by whoever asks first."""
        with _compiling:
            if self._engine is None:
                self._compile()
        return self._functions[name]

    def _compile(self) -> None:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        module = llvm.parse_assembly(self._assembly)
        module.verify()
        machine = llvm.Target.from_default_triple().create_target_machine(
            cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=3
        )
        self._engine = llvm.create_mcjit_compiler(module, machine)
        self._engine.finalize_object()
        for name, arguments in self._kinds.items():
            self._functions[name] = ctypes.CFUNCTYPE(None, *arguments)(self._engine.get_function_address(name))
