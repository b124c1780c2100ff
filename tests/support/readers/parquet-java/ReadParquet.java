// Reads Parquet files by parquet-java, one request a line, as reader-process.ts asks: words split by tabs.
//   rows PATH                     the rows, in the text of conformance-canonical.ts
//   count PATH COLUMN OP VALUE    how many rows a predicate finds, by statistics, dictionaries and the page index
// An answer is some lines and then a line with one dot; a line that begins with ! is an error. Run from its source.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.filter2.compat.FilterCompat;
import org.apache.parquet.filter2.predicate.FilterApi;
import org.apache.parquet.filter2.predicate.FilterPredicate;
import org.apache.parquet.filter2.predicate.Operators.Column;
import org.apache.parquet.filter2.predicate.Operators.SupportsEqNotEq;
import org.apache.parquet.filter2.predicate.Operators.SupportsLtGt;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.api.ReadSupport;
import org.apache.parquet.hadoop.example.GroupReadSupport;
import org.apache.parquet.hadoop.util.HadoopInputFile;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.schema.GroupType;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.DecimalLogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType;
import org.apache.parquet.schema.Type;

public class ReadParquet {
  static final Configuration CONFIGURATION = new Configuration();
  static final HexFormat HEX = HexFormat.of();

  public static void main(String[] arguments) throws Exception {
    var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    var output = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      try {
        for (String each : answer(line.split("\t", -1))) output.println(each);
      } catch (Throwable error) {
        output.println("!" + String.valueOf(error).replace('\n', ' '));
      }
      output.println(".");
      output.flush();
    }
  }

  static List<String> answer(String[] words) throws Exception {
    var path = new Path(words[1]);
    return switch (words[0]) {
      case "rows" -> rows(path);
      case "count" -> List.of(String.valueOf(count(path, words[2], words[3], words[4])));
      default -> throw new IllegalArgumentException("no command " + words[0]);
    };
  }

  static List<String> rows(Path path) throws Exception {
    var found = new ArrayList<String>();
    CONFIGURATION.unset(ReadSupport.PARQUET_READ_SCHEMA);
    try (var reader = ParquetReader.builder(new GroupReadSupport(), path).withConf(CONFIGURATION).build()) {
      for (Group row = reader.read(); row != null; row = reader.read()) found.add(struct(row));
    }
    return found;
  }

  /** Reads the one column, and of it the pages that its index leaves. */
  static int count(Path path, String column, String operator, String value) throws Exception {
    PrimitiveType type = leafOf(path, column);
    CONFIGURATION.set(ReadSupport.PARQUET_READ_SCHEMA, new MessageType("table", type).toString());
    int found = 0;
    try (var reader = ParquetReader.builder(new GroupReadSupport(), path)
        .withConf(CONFIGURATION)
        .withFilter(FilterCompat.get(predicate(type, column, operator, value)))
        .useStatsFilter(true)
        .useDictionaryFilter(true)
        .useColumnIndexFilter(true)
        .useRecordFilter(true)
        .build()) {
      while (reader.read() != null) found++;
    }
    return found;
  }

  static String struct(Group group) {
    var parts = new ArrayList<String>();
    for (int field = 0; field < group.getType().getFieldCount(); field++) parts.add(field(group, field));
    return "(" + String.join(",", parts) + ")";
  }

  static String field(Group group, int field) {
    if (group.getFieldRepetitionCount(field) == 0) return "null";
    Type type = group.getType().getType(field);
    if (type.isPrimitive()) return primitive(group, field, type.asPrimitiveType());
    Group value = group.getGroup(field, 0);
    var annotation = type.getLogicalTypeAnnotation();
    boolean isMap = annotation instanceof LogicalTypeAnnotation.MapLogicalTypeAnnotation;
    if (!isMap && !(annotation instanceof LogicalTypeAnnotation.ListLogicalTypeAnnotation)) return struct(value);
    var items = new ArrayList<String>();
    for (int item = 0; item < value.getFieldRepetitionCount(0); item++) {
      Group entry = value.getGroup(0, item);
      items.add(isMap ? field(entry, 0) + ":" + field(entry, 1) : field(entry, 0));
    }
    return isMap ? "{" + String.join(",", items) + "}" : "[" + String.join(",", items) + "]";
  }

  static String primitive(Group group, int field, PrimitiveType type) {
    switch (type.getPrimitiveTypeName()) {
      case BOOLEAN:
        return String.valueOf(group.getBoolean(field, 0));
      case INT32:
        return String.valueOf(group.getInteger(field, 0));
      case INT64:
        return String.valueOf(group.getLong(field, 0));
      case FLOAT: {
        float value = group.getFloat(field, 0);
        return Float.isNaN(value) ? "nan" : HEX.toHexDigits(Float.floatToRawIntBits(value));
      }
      case DOUBLE: {
        double value = group.getDouble(field, 0);
        return Double.isNaN(value) ? "nan" : HEX.toHexDigits(Double.doubleToRawLongBits(value));
      }
      default: {
        byte[] bytes = group.getBinary(field, 0).getBytes();
        return isDecimal(type) ? new BigInteger(bytes).toString() : "x" + HEX.formatHex(bytes);
      }
    }
  }

  static boolean isDecimal(PrimitiveType type) {
    return type.getLogicalTypeAnnotation() instanceof DecimalLogicalTypeAnnotation;
  }

  static PrimitiveType leafOf(Path path, String column) throws Exception {
    try (var reader = ParquetFileReader.open(HadoopInputFile.fromPath(path, CONFIGURATION))) {
      MessageType schema = reader.getFooter().getFileMetaData().getSchema();
      return schema.getType(column).asPrimitiveType();
    }
  }

  static FilterPredicate predicate(PrimitiveType type, String column, String operator, String value) {
    switch (type.getPrimitiveTypeName()) {
      case BOOLEAN:
        return FilterApi.eq(FilterApi.booleanColumn(column), Boolean.valueOf(value));
      case INT32:
        return ordered(FilterApi.intColumn(column), operator, Integer.valueOf(value));
      case INT64:
        return ordered(FilterApi.longColumn(column), operator, Long.valueOf(value));
      case FLOAT:
        return ordered(FilterApi.floatColumn(column), operator, Float.intBitsToFloat(HexFormat.fromHexDigits(value)));
      case DOUBLE: {
        double number = Double.longBitsToDouble(HexFormat.fromHexDigitsToLong(value));
        return ordered(FilterApi.doubleColumn(column), operator, number);
      }
      default:
        return ordered(FilterApi.binaryColumn(column), operator, Binary.fromConstantByteArray(bytes(type, value)));
    }
  }

  /** A decimal in as many bytes as the column has, the sign repeated in front. */
  static byte[] bytes(PrimitiveType type, String value) {
    if (!isDecimal(type)) return HEX.parseHex(value, 1, value.length());
    byte[] shortest = new BigInteger(value).toByteArray();
    byte[] whole = new byte[Math.max(type.getTypeLength(), shortest.length)];
    java.util.Arrays.fill(whole, (byte) (shortest[0] < 0 ? -1 : 0));
    System.arraycopy(shortest, 0, whole, whole.length - shortest.length, shortest.length);
    return whole;
  }

  static <T extends Comparable<T>, C extends Column<T> & SupportsEqNotEq & SupportsLtGt> FilterPredicate ordered(
      C column, String operator, T value) {
    return switch (operator) {
      case "=" -> FilterApi.eq(column, value);
      case "<" -> FilterApi.lt(column, value);
      case "<=" -> FilterApi.ltEq(column, value);
      case ">" -> FilterApi.gt(column, value);
      case ">=" -> FilterApi.gtEq(column, value);
      default -> throw new IllegalArgumentException("no operator " + operator);
    };
  }
}
