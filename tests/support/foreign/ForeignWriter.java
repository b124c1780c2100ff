// Another engine on the tables of K2: Apache Iceberg's own Java library over the same SQLite catalog and warehouse folder. One process,
// a command a line on stdin, an answer a line on stdout: `ok key=value …` or `failed <exception>: <message>`. Arguments: catalog file, warehouse folder.
// Each command loads the table anew, and commits as Iceberg's users do: optimistically, with the library's own retries.
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.iceberg.AppendFiles;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.DeleteFile;
import org.apache.iceberg.FileFormat;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.GenericBlobMetadata;
import org.apache.iceberg.GenericStatisticsFile;
import org.apache.iceberg.ManifestFile;
import org.apache.iceberg.ManifestFiles;
import org.apache.iceberg.OverwriteFiles;
import org.apache.iceberg.PartitionStatsHandler;
import org.apache.iceberg.ReachableFileUtil;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.iceberg.Transaction;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.exceptions.CommitFailedException;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.io.OutputFile;
import org.apache.iceberg.jdbc.JdbcCatalog;
import org.apache.iceberg.puffin.Blob;
import org.apache.iceberg.puffin.Puffin;
import org.apache.iceberg.puffin.PuffinWriter;
import org.apache.iceberg.types.Types;

public final class ForeignWriter {
  private final JdbcCatalog catalog = new JdbcCatalog();
  /** Schema and spec of tables that were dropped here, to make them again. */
  private final Map<TableIdentifier, Table> dropped = new HashMap<>();

  public static void main(String[] words) throws IOException {
    ForeignWriter writer = new ForeignWriter(words[0], words[1]);
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    System.out.println("ready");
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String answer;
      try {
        answer = "ok" + writer.run(line.trim().split(" "));
      } catch (Exception error) {
        answer = "failed " + error.getClass().getSimpleName() + ": " + String.valueOf(error.getMessage()).replaceAll("\\s+", " ");
      }
      System.out.println(answer);
    }
  }

  private ForeignWriter(String file, String warehouse) {
    catalog.setConf(new Configuration());
    Map<String, String> settings = new HashMap<>();
    settings.put("uri", "jdbc:sqlite:" + file + "?busy_timeout=20000");
    settings.put("warehouse", "file://" + warehouse);
    settings.put("jdbc.schema-version", "V1");
    settings.put("io-impl", "org.apache.iceberg.hadoop.HadoopFileIO");
    catalog.initialize("k2", settings);
  }

  /** `<verb> <namespace>.<table> key=value …`; the answer's `key=value` pairs. */
  private String run(String[] words) throws IOException {
    String[] name = words[1].split("\\.");
    TableIdentifier id = TableIdentifier.of(Namespace.of(name[0]), name[1]);
    Map<String, String> options = new LinkedHashMap<>();
    for (int at = 2; at < words.length; at++) {
      int equals = words[at].indexOf('=');
      options.put(words[at].substring(0, equals), words[at].substring(equals + 1));
    }
    if (words[0].equals("create")) return create(id);
    Table table = catalog.loadTable(id);
    String answer = change(words[0], table, id, options);
    if (words[0].equals("drop")) return answer;
    Snapshot head = catalog.loadTable(id).currentSnapshot();
    return answer + " head=" + (head == null ? "none" : head.snapshotId());
  }

  private String change(String verb, Table table, TableIdentifier id, Map<String, String> options) throws IOException {
    switch (verb) {
      case "look": return "";
      case "append": return append(table, options);
      case "hammer": return hammer(table, integer(options, "ms"));
      case "rewrite-data": return rewriteData(table, integer(options, "files"));
      case "rewrite-manifests": return done(() -> table.rewriteManifests().clusterBy(file -> file.partition().toString()).commit());
      case "expire": return expire(table, integer(options, "keep"));
      case "orphans": return removeOrphans(table, integer(options, "older-ms"));
      case "delete": return deleteRows(table, rowsOf(options));
      case "position-delete": return deletePositions(table, rowsOf(options));
      case "apply-deletes": return applyDeletes(table, rowsOf(options));
      case "statistics": return statistics(table);
      case "refs": return refs(table, options);
      case "rollback": return rollback(table, integer(options, "own"));
      case "set-current": return done(() -> table.manageSnapshots().setCurrentSnapshot(Long.parseLong(options.get("snapshot"))).commit());
      case "properties": return properties(table, options);
      case "schema": return evolve(table, options);
      case "spec": return respec(table, options);
      case "sort": return done(() -> table.replaceSortOrder().asc(options.get("by")).commit());
      case "replace": return replace(table, id, integer(options, "rows"));
      case "drop":
        dropped.put(id, table);
        return " dropped=" + catalog.dropTable(id, false);
      default: throw new IllegalArgumentException("no such verb: " + verb);
    }
  }

  private interface Action {
    void run();
  }

  private static String done(Action action) {
    action.run();
    return "";
  }

  private static int integer(Map<String, String> options, String name) {
    return Integer.parseInt(options.get(name));
  }

  /** Files with rows that claim no Kafka record; on another branch than main if one is given. */
  private String append(Table table, Map<String, String> options) throws IOException {
    int rows = integer(options, "rows");
    FileFormat format = FileFormat.fromString(options.getOrDefault("format", "parquet"));
    AppendFiles append = table.newAppend().appendFile(ForeignFiles.writeNew(table, rows, format));
    if (options.containsKey("branch")) append = append.toBranch(options.get("branch"));
    append.commit();
    return " rows=" + rows;
  }

  /** Commits as fast as it can, without a file: what it measures is who wins the race for the head. */
  private static String hammer(Table table, int ms) {
    long end = System.nanoTime() + ms * 1_000_000L;
    int commits = 0;
    int lost = 0;
    while (System.nanoTime() < end) {
      try {
        table.newFastAppend().commit();
        commits++;
      } catch (CommitFailedException error) {
        lost++;
      }
    }
    return " commits=" + commits + " lost=" + lost;
  }

  /** One file from the smallest ones of the partition that has most. */
  private String rewriteData(Table table, int filesMax) throws IOException {
    Map<String, List<DataFile>> groups = new HashMap<>();
    for (DataFile file : ForeignFiles.liveFiles(table)) {
      groups.computeIfAbsent(file.specId() + "/" + file.partition(), unused -> new ArrayList<>()).add(file);
    }
    List<DataFile> group = groups.values().stream().max(Comparator.comparingInt(List::size)).orElse(List.of());
    List<DataFile> old = group.stream().sorted(Comparator.comparingLong(DataFile::fileSizeInBytes)).limit(filesMax).toList();
    if (old.size() < 2) return " files=0";
    List<Record> rows = new ArrayList<>();
    for (DataFile file : old) rows.addAll(ForeignFiles.read(table, file));
    DataFile first = old.get(0);
    DataFile fresh = ForeignFiles.write(table, table.specs().get(first.specId()), first.partition(), rows, FileFormat.PARQUET);
    table
        .newRewrite()
        .validateFromSnapshot(table.currentSnapshot().snapshotId())
        .rewriteFiles(new HashSet<>(old), Set.of(fresh))
        .commit();
    return " files=" + old.size() + " rows=" + rows.size();
  }

  private static String expire(Table table, int keep) {
    int before = count(table.snapshots());
    table.expireSnapshots().expireOlderThan(System.currentTimeMillis()).retainLast(keep).cleanExpiredFiles(true).commit();
    table.refresh();
    return " expired=" + (before - count(table.snapshots()));
  }

  private static int count(Iterable<?> items) {
    int count = 0;
    for (Object unused : items) count++;
    return count;
  }

  /** Files under the table's folder that no metadata, snapshot, manifest or statistics names, written long enough ago. */
  private static String removeOrphans(Table table, int olderMs) throws IOException {
    Set<String> named = new HashSet<>();
    named.addAll(ReachableFileUtil.metadataFileLocations(table, false));
    named.addAll(ReachableFileUtil.manifestListLocations(table));
    named.addAll(ReachableFileUtil.statisticsFilesLocations(table));
    named.add(ReachableFileUtil.versionHintLocation(table));
    Set<String> manifests = new HashSet<>();
    for (Snapshot snapshot : table.snapshots()) {
      for (ManifestFile manifest : snapshot.allManifests(table.io())) {
        if (manifests.add(manifest.path())) addFiles(table, manifest, named);
      }
    }
    named.addAll(manifests);
    Set<Path> kept = new HashSet<>();
    for (String location : named) kept.add(pathOf(location));
    long writtenBefore = System.currentTimeMillis() - olderMs;
    List<Path> orphans = new ArrayList<>();
    Files.walkFileTree(
        pathOf(table.location()),
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            boolean isOld = attributes.lastModifiedTime().toMillis() < writtenBefore;
            boolean isHidden = file.getFileName().toString().startsWith(".");
            if (isOld && !isHidden && !kept.contains(file)) orphans.add(file);
            return FileVisitResult.CONTINUE;
          }

          /** Files come and go while K2 writes. */
          @Override
          public FileVisitResult visitFileFailed(Path file, IOException error) {
            return FileVisitResult.CONTINUE;
          }
        });
    int removed = 0;
    for (Path orphan : orphans) if (Files.deleteIfExists(orphan)) removed++;
    return " removed=" + removed;
  }

  private static void addFiles(Table table, ManifestFile manifest, Set<String> named) throws IOException {
    switch (manifest.content()) {
      case DATA -> {
        try (CloseableIterable<DataFile> files = ManifestFiles.read(manifest, table.io(), table.specs())) {
          for (DataFile file : files) named.add(file.location());
        }
      }
      case DELETES -> {
        try (CloseableIterable<DeleteFile> files = ManifestFiles.readDeleteManifest(manifest, table.io(), table.specs())) {
          for (DeleteFile file : files) named.add(file.location());
        }
      }
      default -> throw new IllegalStateException(manifest.content().toString());
    }
  }

  private static Path pathOf(String location) {
    return Path.of(URI.create(location).getPath());
  }

  /** Rows of one Kafka partition from an offset on, or rows of nobody (`foreign=true`). */
  private static Predicate<Record> rowsOf(Map<String, String> options) {
    if (options.containsKey("foreign")) return row -> row.getField("kafka_offset") == null;
    int partition = integer(options, "partition");
    long offset = Long.parseLong(options.get("from"));
    return row -> {
      Object at = row.getField("kafka_offset");
      return at != null && (long) at >= offset && (int) row.getField("kafka_partition") == partition;
    };
  }

  /** Copy-on-write: files with such rows are replaced by files without them. */
  private String deleteRows(Table table, Predicate<Record> isDeleted) throws IOException {
    OverwriteFiles overwrite = table.newOverwrite();
    int deleted = 0;
    for (DataFile file : ForeignFiles.liveFiles(table)) {
      List<Record> rows = ForeignFiles.read(table, file);
      List<Record> kept = rows.stream().filter(row -> !isDeleted.test(row)).toList();
      if (kept.size() == rows.size()) continue;
      deleted += rows.size() - kept.size();
      overwrite.deleteFile(file);
      if (kept.isEmpty()) continue;
      overwrite.addFile(ForeignFiles.write(table, table.specs().get(file.specId()), file.partition(), kept, FileFormat.PARQUET));
    }
    overwrite.commit();
    return " rows=" + deleted;
  }

  /** Merge-on-read: a file of deleted positions beside each file with such rows. */
  private static String deletePositions(Table table, Predicate<Record> isDeleted) throws IOException {
    var change = table.newRowDelta();
    int deleted = 0;
    for (DataFile file : ForeignFiles.liveFiles(table)) {
      List<Record> rows = ForeignFiles.read(table, file);
      List<Integer> positions = IntStream.range(0, rows.size()).filter(at -> isDeleted.test(rows.get(at))).boxed().toList();
      if (positions.isEmpty()) continue;
      change.addDeletes(ForeignFiles.deletePositions(table, file, positions));
      deleted += positions.size();
    }
    change.commit();
    return " rows=" + deleted;
  }

  /** The rewrite after it: files of which rows were deleted so are replaced by files without them, and the deletes go. */
  private static String applyDeletes(Table table, Predicate<Record> isDeleted) throws IOException {
    Set<DataFile> old = new HashSet<>();
    Set<DeleteFile> deletes = new HashSet<>();
    Set<DataFile> fresh = new HashSet<>();
    try (CloseableIterable<FileScanTask> tasks = table.newScan().planFiles()) {
      for (FileScanTask task : tasks) {
        if (task.deletes().isEmpty()) continue;
        DataFile file = task.file().copy();
        old.add(file);
        for (DeleteFile delete : task.deletes()) deletes.add(delete.copy());
        List<Record> kept = ForeignFiles.read(table, file).stream().filter(row -> !isDeleted.test(row)).toList();
        if (!kept.isEmpty()) fresh.add(ForeignFiles.write(table, table.specs().get(file.specId()), file.partition(), kept, FileFormat.PARQUET));
      }
    }
    table
        .newRewrite()
        .validateFromSnapshot(table.currentSnapshot().snapshotId())
        .rewriteFiles(old, deletes, fresh, Set.of())
        .commit();
    return " deletes=" + deletes.size();
  }

  /** A statistics file (Puffin) and a partition statistics file of the current snapshot. */
  private static String statistics(Table table) throws IOException {
    Snapshot head = table.currentSnapshot();
    OutputFile file = table.io().newOutputFile(table.location() + "/metadata/" + UUID.randomUUID() + ".stats");
    try (PuffinWriter writer = Puffin.write(file).createdBy("foreign writer").build()) {
      ByteBuffer data = ByteBuffer.wrap(new byte[] {1, 2, 3});
      writer.add(new Blob("foreign-sketch-v1", List.of(1), head.snapshotId(), head.sequenceNumber(), data));
      writer.finish();
      var blobs = writer.writtenBlobsMetadata().stream().map(GenericBlobMetadata::from).toList();
      var statistics = new GenericStatisticsFile(head.snapshotId(), file.location(), writer.fileSize(), writer.footerSize(), List.copyOf(blobs));
      table.updateStatistics().setStatistics(statistics).commit();
    }
    table.refresh();
    var partitions = PartitionStatsHandler.computeAndWriteStatsFile(table, head.snapshotId());
    if (partitions != null) table.updatePartitionStatistics().setPartitionStatistics(partitions).commit();
    return " statistics=" + (partitions == null ? 1 : 2);
  }

  /** `tag=`, `branch=`: made on the head, or moved there; `drop-tag=`, `drop-branch=`. */
  private static String refs(Table table, Map<String, String> options) {
    long head = table.currentSnapshot().snapshotId();
    for (Map.Entry<String, String> option : options.entrySet()) {
      String name = option.getValue();
      boolean isThere = table.refs().containsKey(name);
      var change = table.manageSnapshots();
      switch (option.getKey()) {
        case "tag" -> change = isThere ? change.replaceTag(name, head) : change.createTag(name, head);
        case "branch" -> change = isThere ? change.replaceBranch(name, head) : change.createBranch(name, head);
        case "drop-tag" -> change = change.removeTag(name);
        case "drop-branch" -> change = change.removeBranch(name);
        default -> throw new IllegalArgumentException(option.getKey());
      }
      change.commit();
      table.refresh();
    }
    return "";
  }

  /** To the ancestor before that many snapshots of K2. */
  private static String rollback(Table table, int own) {
    Snapshot at = table.currentSnapshot();
    for (int passed = 0; passed < own; ) {
      if (at.summary().containsKey("k2.commit-id")) passed++;
      at = table.snapshot(at.parentId());
    }
    table.manageSnapshots().rollbackTo(at.snapshotId()).commit();
    return " to=" + at.snapshotId();
  }

  private static String properties(Table table, Map<String, String> options) {
    var change = table.updateProperties();
    options.forEach((key, value) -> {
      if (value.isEmpty()) change.remove(key);
      else change.set(key, value);
    });
    change.commit();
    return "";
  }

  private static String evolve(Table table, Map<String, String> options) {
    var change = table.updateSchema();
    if (options.containsKey("add")) change.addColumn(options.get("add"), Types.StringType.get());
    if (options.containsKey("drop")) change.deleteColumn(options.get("drop"));
    if (options.containsKey("rename")) change.renameColumn(options.get("rename"), options.get("to"));
    change.commit();
    return "";
  }

  private static String respec(Table table, Map<String, String> options) {
    var change = table.updateSpec();
    if (options.containsKey("remove")) change.removeField(options.get("remove"));
    if (options.containsKey("day")) change.addField(org.apache.iceberg.expressions.Expressions.day(options.get("day")));
    if (options.containsKey("identity")) change.addField(options.get("identity"));
    change.commit();
    return "";
  }

  /** CREATE OR REPLACE TABLE, with `rows` AS SELECT. */
  private String replace(Table table, TableIdentifier id, int rows) throws IOException {
    Transaction change = catalog.buildTable(id, table.schema()).withPartitionSpec(table.spec()).createOrReplaceTransaction();
    if (rows > 0) change.newAppend().appendFile(ForeignFiles.writeNew(change.table(), rows, FileFormat.PARQUET)).commit();
    change.commitTransaction();
    return "";
  }

  private String create(TableIdentifier id) {
    Table former = dropped.get(id);
    Table table = catalog.buildTable(id, former.schema()).withPartitionSpec(former.spec()).create();
    return " location=" + table.location();
  }
}
