// Data files of the other engine: written, read and described by Apache Iceberg's generic readers and writers.
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.DeleteFile;
import org.apache.iceberg.FileFormat;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.PartitionKey;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.StructLike;
import org.apache.iceberg.Table;
import org.apache.iceberg.data.GenericFileWriterFactory;
import org.apache.iceberg.data.GenericRecord;
import org.apache.iceberg.data.InternalRecordWrapper;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.data.parquet.GenericParquetReaders;
import org.apache.iceberg.deletes.PositionDelete;
import org.apache.iceberg.deletes.PositionDeleteWriter;
import org.apache.iceberg.encryption.EncryptedOutputFile;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.io.DataWriter;
import org.apache.iceberg.io.OutputFileFactory;
import org.apache.iceberg.parquet.Parquet;
import org.apache.iceberg.types.Type;
import org.apache.iceberg.types.Types;

final class ForeignFiles {
  /** Rows of this engine lie on a day of their own, so that both engines' files are told apart by eye. */
  private static final OffsetDateTime DAY = OffsetDateTime.of(2026, 1, 20, 12, 0, 0, 0, ZoneOffset.UTC);

  private ForeignFiles() {}

  /** A file of rows that claim no Kafka record, in the table's own layout. */
  static DataFile writeNew(Table table, int rows, FileFormat format) throws IOException {
    List<Record> records = new ArrayList<>();
    for (int index = 0; index < rows; index++) records.add(made(table.schema(), index));
    PartitionKey key = new PartitionKey(table.spec(), table.schema());
    key.partition(new InternalRecordWrapper(table.schema().asStruct()).wrap(records.get(0)));
    return write(table, table.spec(), table.spec().isUnpartitioned() ? null : key, records, format);
  }

  /** Live data files of main, without their deletes. */
  static List<DataFile> liveFiles(Table table) throws IOException {
    List<DataFile> files = new ArrayList<>();
    try (CloseableIterable<FileScanTask> tasks = table.newScan().planFiles()) {
      for (FileScanTask task : tasks) files.add(task.file().copy());
    }
    return files;
  }

  static List<Record> read(Table table, DataFile file) throws IOException {
    Schema schema = table.schema();
    List<Record> rows = new ArrayList<>();
    try (CloseableIterable<Record> records =
        Parquet.read(table.io().newInputFile(file.location()))
            .project(schema)
            .createReaderFunc(type -> GenericParquetReaders.buildReader(schema, type))
            .build()) {
      for (Record record : records) rows.add(record);
    }
    return rows;
  }

  /** A file that deletes rows of a data file by their position. */
  static DeleteFile deletePositions(Table table, DataFile file, List<Integer> positions) throws IOException {
    PartitionSpec spec = table.specs().get(file.specId());
    EncryptedOutputFile place = output(table, spec, file.partition(), FileFormat.PARQUET);
    PositionDeleteWriter<Record> writer = writers(table, FileFormat.PARQUET).newPositionDeleteWriter(place, spec, file.partition());
    try (writer) {
      for (int position : positions) writer.write(PositionDelete.<Record>create().set(file.location(), position));
    }
    return writer.toDeleteFile();
  }

  private static GenericFileWriterFactory writers(Table table, FileFormat format) {
    return new GenericFileWriterFactory.Builder(table).dataFileFormat(format).deleteFileFormat(format).dataSchema(table.schema()).build();
  }

  private static EncryptedOutputFile output(Table table, PartitionSpec spec, StructLike partition, FileFormat format) {
    OutputFileFactory files = OutputFileFactory.builderFor(table, 1, 1).format(format).operationId(UUID.randomUUID().toString()).build();
    return spec.isUnpartitioned() ? files.newOutputFile() : files.newOutputFile(spec, partition);
  }

  static DataFile write(Table table, PartitionSpec spec, StructLike partition, List<Record> rows, FileFormat format) throws IOException {
    DataWriter<Record> writer = writers(table, format).newDataWriter(output(table, spec, partition, format), spec, partition);
    try (writer) {
      writer.write(rows);
    }
    return writer.toDataFile();
  }

  /** A row with something in every required column, nothing in the others. */
  private static Record made(Schema schema, int index) {
    Record row = GenericRecord.create(schema);
    for (Types.NestedField field : schema.columns()) {
      row.setField(field.name(), field.isRequired() ? value(field.type(), index) : null);
    }
    return row;
  }

  private static Object value(Type type, int index) {
    return switch (type.typeId()) {
      case BOOLEAN -> true;
      case INTEGER -> index;
      case LONG -> (long) index;
      case FLOAT -> 1.5f;
      case DOUBLE -> 1.5;
      case DATE -> LocalDate.of(2026, 1, 20);
      case TIMESTAMP -> ((Types.TimestampType) type).shouldAdjustToUTC() ? DAY.plusNanos(index * 1000L) : DAY.toLocalDateTime();
      case DECIMAL -> BigDecimal.valueOf(index, ((Types.DecimalType) type).scale());
      case BINARY -> ByteBuffer.wrap(new byte[] {1});
      case LIST -> List.of();
      case MAP -> Map.of();
      case STRING -> "FOREIGN-" + index;
      default -> throw new IllegalArgumentException(type.toString());
    };
  }
}
