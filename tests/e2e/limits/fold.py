# fold.py BACKING MOUNTPOINT: a file system of FUSE that keeps all that BACKING keeps, and takes names that
# differ in capitals or in the composition of letters for one, as ext4 does in a folder with `chattr +F`.
import errno, os, sys, unicodedata
from fusepy import FUSE, FuseOSError, Operations

root, mountpoint = sys.argv[1:]
PARTS = 'st_mode st_ino st_nlink st_uid st_gid st_size st_mtime st_ctime st_atime st_rdev st_blocks'.split()

def fold(name):
    return unicodedata.normalize('NFD', name).casefold()

def real(path):
    at = root
    for name in filter(None, path.split('/')):
        if not os.path.lexists(at + '/' + name) and os.path.isdir(at):
            name = next((other for other in os.listdir(at) if fold(other) == fold(name)), name)
        at += '/' + name
    return at

class Fold(Operations):
    def __call__(self, operation, path, *arguments):
        if not hasattr(self, operation):
            raise FuseOSError(errno.ENOSYS)
        try:
            return getattr(self, operation)(real(path), *arguments)
        except UnicodeEncodeError:
            raise FuseOSError(errno.EINVAL)
    def getattr(self, path, fh=None):
        found = os.lstat(path)
        return {name: getattr(found, name) for name in PARTS}
    def readdir(self, path, fh): return ['.', '..'] + os.listdir(path)
    def mkdir(self, path, mode): os.mkdir(path, mode)
    def rmdir(self, path): os.rmdir(path)
    def unlink(self, path): os.unlink(path)
    def mknod(self, path, mode, device): os.mknod(path, mode, device)
    def symlink(self, path, target): os.symlink(target, path)
    def readlink(self, path): return os.readlink(path)
    def link(self, path, old): os.link(real(old), path, follow_symlinks=False)
    def rename(self, old, new): os.rename(old, real(new))
    def chmod(self, path, mode): os.chmod(path, mode)
    def chown(self, path, user, group): os.lchown(path, user, group)
    def utimens(self, path, times):
        os.utime(path, ns=tuple(int(time * 10**9) for time in times), follow_symlinks=False)
    def open(self, path, flags): return os.open(path, flags)
    def create(self, path, mode, fi=None): return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
    def truncate(self, path, length, fh=None): os.truncate(path, length)
    def read(self, path, size, offset, fh): return os.pread(fh, size, offset)
    def write(self, path, data, offset, fh): return os.pwrite(fh, data, offset)
    def release(self, path, fh): os.close(fh)
    def getxattr(self, path, name, position=0): return os.getxattr(path, name, follow_symlinks=False)
    def listxattr(self, path): return os.listxattr(path, follow_symlinks=False)
    def setxattr(self, path, name, value, options, position=0):
        os.setxattr(path, name, value, options, follow_symlinks=False)
    def removexattr(self, path, name): os.removexattr(path, name, follow_symlinks=False)

FUSE(Fold(), mountpoint, foreground=False, use_ino=True, attr_timeout=0, entry_timeout=0, nothreads=True)
