/* Files for tests: a directory of their own, removed at the end; whole contents. */
#ifndef CLCNN_TESTS_FILES_HPP
#define CLCNN_TESTS_FILES_HPP

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

class TemporaryDirectory
{
  public:
    TemporaryDirectory()
    {
        std::string pattern = (std::filesystem::temp_directory_path() / "clcnn-XXXXXX").string();
        REQUIRE(mkdtemp(pattern.data()) != nullptr);
        root_ = pattern;
    }
    ~TemporaryDirectory()
    {
        std::error_code ignored;
        std::filesystem::remove_all(root_, ignored);
    }
    TemporaryDirectory(const TemporaryDirectory &) = delete;
    TemporaryDirectory &operator=(const TemporaryDirectory &) = delete;

    std::string path(const std::string &name = "") const
    {
        return name.empty() ? root_ : root_ + "/" + name;
    }

  private:
    std::string root_;
};

inline std::string read_file(const std::string &path)
{
    std::ifstream file(path, std::ios::binary);
    REQUIRE(file.good());
    return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

inline void write_file(const std::string &path, const std::string &contents)
{
    std::error_code ignored;
    std::filesystem::remove(path, ignored); /* ext4 flushes a file cut and written again */
    std::ofstream file(path, std::ios::binary);
    file << contents;
    REQUIRE(file.good());
}

#endif
